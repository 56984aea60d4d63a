package store

import (
	"context"

	"portal"
)

// AddCustomer adds the customer that this transaction is bound to. ErrConflict
// says that the name is taken.
func (tx *Tx) AddCustomer(ctx context.Context, name string) error {
	const query = "INSERT INTO customers (id, name, name_key, created_at) VALUES ($1, $2, $3, $4)"
	_, err := tx.q.exec(ctx, query, tx.customer, name, portal.FoldKey(name), micros(tx.Now))
	return err
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

// Counts tells how many users of the customer stand in which 2FA state.
func (v View) Counts(ctx context.Context) (map[portal.TwoFactorState]int64, error) {
	rows, err := v.q.rows(ctx, "SELECT twofa_state, users FROM customer_counts WHERE customer_id = $1", v.customer)
	type count struct {
		state portal.TwoFactorState
		users int64
	}
	list, err := scanAll(rows, err, func(r scanner) (c count, err error) { return c, r.Scan(&c.state, &c.users) })
	counts := make(map[portal.TwoFactorState]int64, len(list))
	for _, c := range list {
		counts[c.state] = c.users
	}
	return counts, err
}

// count changes how many users stand in a 2FA state.
func (tx *Tx) count(ctx context.Context, state portal.TwoFactorState, by int64) error {
	const query = `INSERT INTO customer_counts (customer_id, twofa_state, users) VALUES ($1, $2, $3)
		ON CONFLICT (customer_id, twofa_state) DO UPDATE SET users = customer_counts.users + $3`
	if by < 0 {
		const less = "UPDATE customer_counts SET users = users + $3 WHERE customer_id = $1 AND twofa_state = $2"
		return mustOne(tx.q.exec(ctx, less, tx.customer, state, by))
	}
	_, err := tx.q.exec(ctx, query, tx.customer, state, by)
	return err
}
