package store

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"portal"
)

// Newcomer is a user who comes with a password and a 2FA state, as from
// another system.
type Newcomer struct {
	portal.User
	PasswordHash string
	// Authenticator and its sealed secret belong to every state but none.
	Authenticator portal.AuthenticatorID
	Secret        []byte
}

// Fill adds many users in statements of many rows: a million by AddUser would
// take the better part of an hour. The rules are those of AddUser; ErrConflict
// says that some login ID is taken.
func (tx *Tx) Fill(ctx context.Context, all []Newcomer) error {
	for _, table := range []struct {
		head string
		rows func(Newcomer) [][]any
	}{
		{fillUsers, tx.userRows},
		{fillTerms, tx.termRows},
		{fillAuthenticators, tx.authenticatorRows},
	} {
		if err := tx.fill(ctx, table.head, all, table.rows); err != nil {
			return err
		}
	}
	return tx.countAll(ctx, all)
}

const (
	fillUsers = `INSERT INTO users (id, customer_id, login_id, login_key, name, name_key, email, role, state, password_hash,
		password_changed_at, twofa_state, twofa_changed_at, authenticator_id, security_version, created_at) VALUES `
	fillTerms          = `INSERT INTO user_terms (customer_id, term, user_id, twofa_state) VALUES `
	fillAuthenticators = `INSERT INTO authenticators (id, customer_id, user_id, state, secret, serial, last_step, session_id,
		created_at, expires_at, confirmed_at, last_used_at) VALUES `

	// fillRows is how many rows a statement has.
	fillRows = 100
)

func (tx *Tx) userRows(n Newcomer) [][]any {
	now := micros(tx.Now)
	var authenticator any
	if n.Stored != portal.TwoFactorNone {
		authenticator = n.Authenticator
	}
	return [][]any{{
		n.ID, tx.customer, n.LoginID, portal.FoldKey(n.LoginID), n.Name, portal.FoldKey(n.Name), n.Email, n.Role, n.State,
		n.PasswordHash, now, n.Stored, now, authenticator, int64(1), now,
	}}
}

// Tune is experimental.
func (s *Store) Tune(ctx context.Context, all ...string) error {
	for _, t := range all {
		if _, err := s.writer.ExecContext(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) termRows(n Newcomer) (rows [][]any) {
	seen := map[string]bool{}
	for _, term := range searchTerms(n.User) {
		if !seen[term] {
			rows = append(rows, []any{tx.customer, term, n.ID, n.Stored})
		}
		seen[term] = true
	}
	return rows
}

func (tx *Tx) authenticatorRows(n Newcomer) [][]any {
	if n.Stored == portal.TwoFactorNone {
		return nil
	}
	now, none := micros(tx.Now), int64(0)
	return [][]any{{
		n.Authenticator, tx.customer, n.ID, CurrentAuthenticator, n.Secret, int64(1), none, "", now, now, now, none,
	}}
}

// fill writes the rows of one table.
func (tx *Tx) fill(ctx context.Context, head string, all []Newcomer, rowsOf func(Newcomer) [][]any) error {
	var rows [][]any
	for _, n := range all {
		rows = append(rows, rowsOf(n)...)
	}
	if head == fillTerms {
		slices.SortFunc(rows, func(a, b []any) int { return strings.Compare(a[1].(string), b[1].(string)) })
	}
	for some := range slices.Chunk(rows, fillRows) {
		if _, err := tx.q.exec(ctx, head+placeholders(len(some), len(some[0])), slices.Concat(some...)...); err != nil {
			return err
		}
	}
	return nil
}

// placeholders is "($1, $2), ($3, $4)" for two rows of two columns.
func placeholders(rows, width int) string {
	var b strings.Builder
	for i := range rows * width {
		switch {
		case i == 0:
			b.WriteString("($")
		case i%width == 0:
			b.WriteString("), ($")
		default:
			b.WriteString(", $")
		}
		b.WriteString(strconv.Itoa(i + 1))
	}
	return b.String() + ")"
}

func (tx *Tx) countAll(ctx context.Context, all []Newcomer) error {
	counts := map[portal.TwoFactorState]int64{}
	for _, n := range all {
		counts[n.Stored]++
	}
	for _, state := range []portal.TwoFactorState{portal.TwoFactorNone, portal.TwoFactorEnabled, portal.TwoFactorDisabled} {
		if err := tx.count(ctx, state, counts[state]); err != nil {
			return err
		}
	}
	return nil
}
