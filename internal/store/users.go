package store

import (
	"context"
	"time"

	"portal"
)

// Credentials is what a sign-in needs to know of a user.
type Credentials struct {
	portal.User
	// PasswordHash is a PHC string; empty while the person has chosen none.
	PasswordHash string
	CustomerName string
	// CustomerSuspended closes the account whatever its own state.
	CustomerSuspended bool
}

// Password is a password as it is kept.
type Password struct {
	Hash string // a PHC string; empty: the person has yet to choose one
	// Short says that it is too short to stand without a second factor.
	Short bool
}

// Usable tells whether the account may be signed in to at all.
func (c Credentials) Usable() bool { return c.State == portal.UserActive && !c.CustomerSuspended }

const userColumns = `u.id, u.customer_id, u.login_id, u.name, u.email, u.role, u.state, u.password_hash,
	u.twofa_state, u.security_version, u.created_at, u.frozen_at, u.must_reset_at, u.password_short`

// AddUser adds a user without 2FA. ErrConflict says that the login ID is taken,
// by a user of any customer.
func (tx *Tx) AddUser(ctx context.Context, u portal.User, p Password) error {
	const query = `INSERT INTO users (id, customer_id, login_id, login_key, name, name_key, email, role, state, password_hash,
			password_changed_at, twofa_state, twofa_changed_at, authenticator_id, security_version, created_at, password_short)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $11, NULL, 1, $11, $13)`
	_, err := tx.q.exec(ctx, query, u.ID, tx.customer, u.LoginID, portal.FoldKey(u.LoginID), u.Name, portal.FoldKey(u.Name),
		u.Email, u.Role, u.State, p.Hash, micros(tx.Now), portal.TwoFactorNone, flag(p.Short))
	if err != nil {
		return err
	}
	if err := tx.countOne(ctx, standing{u.Role, portal.TwoFactorNone}); err != nil {
		return err
	}
	return tx.addTerms(ctx, u, portal.TwoFactorNone)
}

// addTerms writes what a search finds the user by.
func (tx *Tx) addTerms(ctx context.Context, u portal.User, state portal.TwoFactorState) error {
	const query = `INSERT INTO user_terms (customer_id, term, user_id, twofa_state) VALUES ($1, $2, $3, $4)
		ON CONFLICT (customer_id, term, user_id) DO NOTHING`
	for _, term := range u.SearchTerms() {
		if _, err := tx.q.exec(ctx, query, tx.customer, term, u.ID, state); err != nil {
			return err
		}
	}
	return nil
}

// User reads one user of the customer.
func (v View) User(ctx context.Context, id portal.UserID) (portal.User, error) {
	c, err := v.Credentials(ctx, id)
	return c.User, err
}

// Credentials reads one user of the customer together with the password hash.
func (v View) Credentials(ctx context.Context, id portal.UserID) (Credentials, error) {
	const query = `SELECT ` + userColumns + `, c.name, c.suspended_at FROM users u JOIN customers c ON c.id = u.customer_id
		WHERE u.customer_id = $1 AND u.id = $2`
	return scanCredentials(v.q.row(ctx, query, v.customer, id))
}

// CredentialsByLogin finds who a login ID names, of whatever customer.
func (s *Store) CredentialsByLogin(ctx context.Context, loginID string) (Credentials, error) {
	const query = `SELECT ` + userColumns + `, c.name, c.suspended_at FROM users u JOIN customers c ON c.id = u.customer_id
		WHERE u.login_key = $1`
	return scanCredentials(s.View(portal.NoCustomer).q.row(ctx, query, portal.FoldKey(loginID)))
}

func scanCredentials(r scanner) (c Credentials, err error) {
	var row userRow
	var suspended int64
	err = r.Scan(append(row.into(&c.User), &c.CustomerName, &suspended)...)
	row.finish(&c.User)
	c.PasswordHash, c.CustomerSuspended = row.hash, suspended != 0
	return c, translate(err)
}

func scanUser(r scanner) (u portal.User, err error) {
	var row userRow
	err = r.Scan(row.into(&u)...)
	row.finish(&u)
	return u, translate(err)
}

// userRow holds what userColumns store in another form than a User has.
type userRow struct {
	hash                     string
	created, frozen, mustSet int64
	short                    int64
}

func (row *userRow) into(u *portal.User) []any {
	return []any{&u.ID, &u.CustomerID, &u.LoginID, &u.Name, &u.Email, &u.Role, &u.State, &row.hash,
		&u.Stored, &u.SecurityVersion, &row.created, &row.frozen, &row.mustSet, &row.short}
}

func (row *userRow) finish(u *portal.User) {
	u.Invited, u.Frozen, u.MustReset = row.hash == "", row.frozen != 0, row.mustSet != 0
	u.ShortPassword, u.CreatedAt = row.short != 0, fromMicros(row.created)
}

// EditUser changes what an administrator may change of a user. It starts a new
// security version where the e-mail address or the role changes.
func (tx *Tx) EditUser(ctx context.Context, u portal.User) error {
	const query = `UPDATE users SET name = $3, name_key = $4, email = $5, role = $6,
			security_version = security_version + CASE WHEN email <> $5 OR role <> $6 THEN 1 ELSE 0 END
		WHERE customer_id = $1 AND id = $2`
	old, err := tx.User(ctx, u.ID)
	if err != nil {
		return err
	}
	if err := mustOne(tx.q.exec(ctx, query, tx.customer, u.ID, u.Name, portal.FoldKey(u.Name), u.Email, u.Role)); err != nil {
		return err
	}
	if err := tx.moveCount(ctx, standing{old.Role, old.Stored}, standing{u.Role, old.Stored}); err != nil {
		return err
	}
	const forget = "DELETE FROM user_terms WHERE customer_id = $1 AND user_id = $2"
	if _, err := tx.q.exec(ctx, forget, tx.customer, u.ID); err != nil {
		return err
	}
	return tx.addTerms(ctx, u, u.Stored)
}

// SetUserState suspends or reactivates; false means that it stood so already.
func (tx *Tx) SetUserState(ctx context.Context, id portal.UserID, state portal.UserState) (bool, error) {
	const query = `UPDATE users SET state = $3, security_version = security_version + 1
		WHERE customer_id = $1 AND id = $2 AND state <> $3`
	return exactlyOne(tx.q.exec(ctx, query, tx.customer, id, state))
}

// SetPassword replaces the password, and with it the security version. The new
// one is known to nobody else.
func (tx *Tx) SetPassword(ctx context.Context, id portal.UserID, p Password) error {
	const query = `UPDATE users SET password_hash = $3, password_short = $5, password_changed_at = $4, must_reset_at = 0,
			security_version = security_version + 1
		WHERE customer_id = $1 AND id = $2`
	return mustOne(tx.q.exec(ctx, query, tx.customer, id, p.Hash, micros(tx.Now), flag(p.Short)))
}

// RaiseHash replaces the hash of a password by a costlier one of the same
// password, unless that has changed meanwhile. It is one statement of its own.
func (s *Store) RaiseHash(ctx context.Context, who Credentials, hash string) error {
	const query = "UPDATE users SET password_hash = $4 WHERE customer_id = $1 AND id = $2 AND password_hash = $3"
	_, err := s.onWriter().exec(ctx, query, who.CustomerID, who.ID, who.PasswordHash, hash)
	return err
}

// DemandPassword says that the user's password is known to somebody else and
// has to be replaced; false means that this was said before.
func (tx *Tx) DemandPassword(ctx context.Context, id portal.UserID) (bool, error) {
	const query = `UPDATE users SET must_reset_at = $3, security_version = security_version + 1
		WHERE customer_id = $1 AND id = $2 AND must_reset_at = 0`
	return exactlyOne(tx.q.exec(ctx, query, tx.customer, id, micros(tx.Now)))
}

// Freeze closes an account until it is thawed; false means that it was frozen.
func (tx *Tx) Freeze(ctx context.Context, id portal.UserID) (bool, error) {
	const query = `UPDATE users SET frozen_at = $3, security_version = security_version + 1
		WHERE customer_id = $1 AND id = $2 AND frozen_at = 0`
	return exactlyOne(tx.q.exec(ctx, query, tx.customer, id, micros(tx.Now)))
}

// Thaw opens a frozen account again; false means that it was not frozen. What
// was begun while it was ends with the security version.
func (tx *Tx) Thaw(ctx context.Context, id portal.UserID) (bool, error) {
	const query = `UPDATE users SET frozen_at = 0, security_version = security_version + 1
		WHERE customer_id = $1 AND id = $2 AND frozen_at <> 0`
	return exactlyOne(tx.q.exec(ctx, query, tx.customer, id))
}

// twoFactorMove is one arrow of the 2FA state table.
type twoFactorMove struct {
	user          portal.UserID
	from, to      portal.TwoFactorState
	authenticator any // the current authenticator afterwards: an AuthenticatorID, or nil for none
}

// moveTwoFactor is the only statement that changes a stored 2FA state. False
// means that the user no longer stood in the state to leave.
func (tx *Tx) moveTwoFactor(ctx context.Context, m twoFactorMove) (bool, error) {
	const query = `UPDATE users SET twofa_state = $4, twofa_changed_at = $5, authenticator_id = $6,
			security_version = security_version + 1
		WHERE customer_id = $1 AND id = $2 AND twofa_state = $3 RETURNING role`
	var role portal.Role
	err := translate(tx.q.row(ctx, query, tx.customer, m.user, m.from, m.to, micros(tx.Now), m.authenticator).Scan(&role))
	switch {
	case err == ErrNotFound:
		return false, nil
	case err != nil:
		return false, err
	}
	if _, err := tx.CloseHelp(ctx, m.user); err != nil { // whoever asked has been helped
		return false, err
	}
	if m.from == m.to {
		return true, nil
	}
	const terms = "UPDATE user_terms SET twofa_state = $3 WHERE customer_id = $1 AND user_id = $2"
	if _, err := tx.q.exec(ctx, terms, tx.customer, m.user, m.to); err != nil {
		return false, err
	}
	return true, tx.moveCount(ctx, standing{role, m.from}, standing{role, m.to})
}

// Bump starts a new security version without changing anything else, so that
// links and half sessions of the user are void.
func (tx *Tx) Bump(ctx context.Context, id portal.UserID) error {
	const query = "UPDATE users SET security_version = security_version + 1 WHERE customer_id = $1 AND id = $2"
	return mustOne(tx.q.exec(ctx, query, tx.customer, id))
}

// OtherActiveAdministrator tells whether the customer keeps an administrator
// who can sign in if this user no longer is one (LC-13).
func (v View) OtherActiveAdministrator(ctx context.Context, id portal.UserID) (bool, error) {
	const query = `SELECT id FROM users WHERE customer_id = $1 AND role = 'administrator' AND id <> $2
		AND state = 'active' AND frozen_at = 0 AND password_hash <> '' LIMIT 1`
	return found(v.q.row(ctx, query, v.customer, id))
}

// OtherActiveOperator tells whether the installation keeps an operator who can
// sign in if this one no longer is (LC-13).
func (v View) OtherActiveOperator(ctx context.Context, id portal.UserID) (bool, error) {
	const query = `SELECT id FROM users WHERE customer_id = $1 AND role = 'operator' AND id <> $2
		AND state = 'active' AND frozen_at = 0 AND password_hash <> '' LIMIT 1`
	return found(v.q.row(ctx, query, v.customer, id))
}

// AnyAdministrator tells whether any customer has an administrator.
func (v View) AnyAdministrator(ctx context.Context) (bool, error) {
	const query = "SELECT customer_id FROM users WHERE role = 'administrator' LIMIT 1"
	return found(v.q.row(ctx, query))
}

// Administrators lists those of the customer who can help, by name, at most so
// many.
func (v View) Administrators(ctx context.Context, most int) ([]portal.User, error) {
	const query = `SELECT ` + userColumns + ` FROM users u WHERE u.customer_id = $1 AND u.role = 'administrator'
		AND u.state = 'active' AND u.frozen_at = 0 AND u.password_hash <> '' ORDER BY u.name_key, u.id LIMIT $2`
	rows, err := v.q.rows(ctx, query, v.customer, most)
	return scanAll(rows, err, scanUser)
}

// Operators lists those of the installation who can sign in, by name, at most
// so many.
func (v View) Operators(ctx context.Context, most int) ([]portal.User, error) {
	const query = `SELECT ` + userColumns + ` FROM users u WHERE u.customer_id = $1 AND u.role = 'operator'
		AND u.state = 'active' AND u.frozen_at = 0 AND u.password_hash <> '' ORDER BY u.name_key, u.id LIMIT $2`
	rows, err := v.q.rows(ctx, query, v.customer, most)
	return scanAll(rows, err, scanUser)
}

// found tells whether a row is there at all.
func found(r scanner) (bool, error) {
	var id string
	err := translate(r.Scan(&id))
	if err == ErrNotFound {
		return false, nil
	}
	return err == nil, err
}

// TwoFactorSince tells when the user's 2FA state last changed.
func (v View) TwoFactorSince(ctx context.Context, id portal.UserID) (time.Time, error) {
	var at int64
	const query = "SELECT twofa_changed_at FROM users WHERE customer_id = $1 AND id = $2"
	err := v.q.row(ctx, query, v.customer, id).Scan(&at)
	return fromMicros(at), translate(err)
}
