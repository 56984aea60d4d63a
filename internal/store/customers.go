package store

import (
	"context"
	"time"

	"portal"
)

// AddCustomer adds the customer that this transaction is bound to. ErrConflict
// says that the name is taken.
func (tx *Tx) AddCustomer(ctx context.Context, name string) error {
	const query = "INSERT INTO customers (id, name, name_key, created_at) VALUES ($1, $2, $3, $4)"
	_, err := tx.q.exec(ctx, query, tx.customer, name, portal.FoldKey(name), micros(tx.Now))
	return err
}

// SuspendCustomer closes the customer's accounts; false means that they were.
func (tx *Tx) SuspendCustomer(ctx context.Context) (bool, error) {
	const query = "UPDATE customers SET suspended_at = $2 WHERE id = $1 AND suspended_at = 0"
	return exactlyOne(tx.q.exec(ctx, query, tx.customer, micros(tx.Now)))
}

// ReopenCustomer opens them again; false means that they were open.
func (tx *Tx) ReopenCustomer(ctx context.Context) (bool, error) {
	const query = "UPDATE customers SET suspended_at = 0 WHERE id = $1 AND suspended_at <> 0"
	return exactlyOne(tx.q.exec(ctx, query, tx.customer))
}

// Customer reads the view's own customer.
func (v View) Customer(ctx context.Context) (portal.Customer, error) {
	return scanCustomer(v.q.row(ctx, "SELECT "+customerColumns+" FROM customers c WHERE c.id = $1", v.customer))
}

// CustomerByName finds a customer by its name, however it is spelt.
func (s *Store) CustomerByName(ctx context.Context, name string) (portal.Customer, error) {
	const query = "SELECT " + customerColumns + " FROM customers c WHERE c.name_key = $1 AND c.id <> 'installation'"
	return scanCustomer(s.View(portal.NoCustomer).q.row(ctx, query, portal.FoldKey(name)))
}

// Customers lists all customers by name, for the operator on the host.
func (s *Store) Customers(ctx context.Context) ([]portal.Customer, error) {
	const query = "SELECT " + customerColumns + " FROM customers c WHERE c.id <> 'installation' ORDER BY c.name_key"
	rows, err := s.View(portal.NoCustomer).q.rows(ctx, query)
	return scanAll(rows, err, scanCustomer)
}

const (
	customerColumns = "c.id, c.name, c.created_at, c.suspended_at, " + policyColumns
	policyColumns   = "c.user_policy, c.user_required_from, c.administrator_policy, c.administrator_required_from"
)

func scanCustomer(r scanner) (c portal.Customer, err error) {
	var created, suspended int64
	var policy policyRow
	err = r.Scan(append([]any{&c.ID, &c.Name, &created, &suspended}, policy.into(&c.Policies)...)...)
	if err != nil {
		return portal.Customer{}, translate(err)
	}
	policy.finish(&c.Policies)
	c.CreatedAt, c.Suspended = fromMicros(created), suspended != 0
	return c, nil
}

// policyRow holds what policyColumns store in another form than Policies have.
type policyRow struct{ user, administrator int64 }

func (row *policyRow) into(p *portal.Policies) []any {
	return []any{&p.User.Mode, &row.user, &p.Administrator.Mode, &row.administrator}
}

func (row *policyRow) finish(p *portal.Policies) {
	p.User.From, p.Administrator.From = fromMicros(row.user), fromMicros(row.administrator)
}

// SetPolicies changes what the customer wants of its roles.
func (tx *Tx) SetPolicies(ctx context.Context, p portal.Policies) error {
	const query = `UPDATE customers SET user_policy = $2, user_required_from = $3,
		administrator_policy = $4, administrator_required_from = $5 WHERE id = $1`
	return mustOne(tx.q.exec(ctx, query, tx.customer, p.User.Mode, micros(p.User.From), p.Administrator.Mode, micros(p.Administrator.From)))
}

// RequiringBetween lists customers for which required begins for some role in a
// span of time, by identifier, page by page.
func (s *Store) RequiringBetween(ctx context.Context, from, until time.Time, after portal.CustomerID, limit int) ([]portal.Customer, error) {
	const query = `SELECT ` + customerColumns + ` FROM customers c WHERE c.id > $1 AND c.suspended_at = 0
		AND ((c.user_policy = 'required' AND c.user_required_from BETWEEN $2 AND $3)
			OR (c.administrator_policy = 'required' AND c.administrator_required_from BETWEEN $2 AND $3))
		ORDER BY c.id LIMIT $4`
	rows, err := s.View(portal.NoCustomer).q.rows(ctx, query, after, micros(from), micros(until), limit)
	return scanAll(rows, err, scanCustomer)
}
