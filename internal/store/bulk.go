package store

import (
	"context"
	"iter"
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

// fillBatch is how many newcomers share a transaction. Their search terms are
// written in order, so that a page of the index is visited once for a batch.
const fillBatch = 50_000

// Fill adds very many users of one customer to a new database, by the rules of
// AddUser but without its price: a million takes minutes, not hours. It records
// no events, and on SQLite it does not wait for the disk before its end: after
// a power cut in between, start over with an empty folder.
func (s *Store) Fill(ctx context.Context, customer portal.CustomerID, all iter.Seq[Newcomer]) error {
	if err := s.each(ctx, s.hurry); err != nil {
		return err
	}
	var batch []Newcomer
	flush := func() error {
		defer func() { batch = batch[:0] }()
		return s.fillBatch(ctx, customer, batch)
	}
	for n := range all {
		if batch = append(batch, n); len(batch) == fillBatch {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	return s.each(ctx, s.settle)
}

// each runs statements of the dialect that stand outside of transactions.
func (s *Store) each(ctx context.Context, texts []string) error {
	for _, text := range texts {
		if _, err := s.writer.ExecContext(ctx, text); err != nil {
			return translate(err)
		}
	}
	return nil
}

// fillTable is a table with the rows that a newcomer has in it.
type fillTable struct {
	head  string
	width int
	rows  func(*Tx, Newcomer) [][]any
}

func fillTables() []fillTable {
	return []fillTable{
		{`INSERT INTO users (id, customer_id, login_id, login_key, name, name_key, email, role, state, password_hash,
			password_changed_at, twofa_state, twofa_changed_at, authenticator_id, security_version, created_at) VALUES `, 16, (*Tx).userRows},
		{`INSERT INTO user_terms (term, user_id, customer_id, twofa_state) VALUES `, 4, (*Tx).termRows},
		{`INSERT INTO authenticators (id, customer_id, user_id, state, secret, serial, last_step, session_id,
			created_at, expires_at, confirmed_at, last_used_at) VALUES `, 12, (*Tx).authenticatorRows},
	}
}

func (s *Store) fillBatch(ctx context.Context, customer portal.CustomerID, batch []Newcomer) error {
	for _, table := range fillTables() {
		s.statements.prepareAll(ctx, s.writer, []string{table.head + placeholders(1, table.width)})
	}
	return s.WriteUnaudited(ctx, customer, "an import is recorded by whoever imports", func(tx *Tx) error {
		for _, table := range fillTables() {
			if err := tx.fill(ctx, table, s.fillRows, batch); err != nil {
				return err
			}
		}
		return tx.countAll(ctx, batch)
	})
}

// fill writes the rows of one table, some rows with each statement.
func (tx *Tx) fill(ctx context.Context, table fillTable, together int, batch []Newcomer) error {
	var rows [][]any
	for _, n := range batch {
		rows = append(rows, table.rows(tx, n)...)
	}
	slices.SortStableFunc(rows, func(a, b []any) int { return strings.Compare(sortKey(a), sortKey(b)) })
	for len(rows) > 0 {
		n := 1
		if len(rows) >= together {
			n = together
		}
		if _, err := tx.q.exec(ctx, table.head+placeholders(n, table.width), slices.Concat(rows[:n]...)...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

// sortKey is the term of a row of terms. Rows of other tables stay in order:
// their first column is an identifier.
func sortKey(row []any) string {
	term, _ := row[0].(string)
	return term
}

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

func (tx *Tx) termRows(n Newcomer) (rows [][]any) {
	terms := searchTerms(n.User)
	slices.Sort(terms)
	for _, term := range slices.Compact(terms) {
		rows = append(rows, []any{term, n.ID, tx.customer, n.Stored})
	}
	return rows
}

func (tx *Tx) authenticatorRows(n Newcomer) [][]any {
	if n.Stored == portal.TwoFactorNone {
		return nil
	}
	now := micros(tx.Now)
	return [][]any{{
		n.Authenticator, tx.customer, n.ID, CurrentAuthenticator, n.Secret, int64(1), int64(0), "", now, now, now, int64(0),
	}}
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

func (tx *Tx) countAll(ctx context.Context, batch []Newcomer) error {
	counts := map[portal.TwoFactorState]int64{}
	for _, n := range batch {
		counts[n.Stored]++
	}
	for _, state := range []portal.TwoFactorState{portal.TwoFactorNone, portal.TwoFactorEnabled, portal.TwoFactorDisabled} {
		if err := tx.count(ctx, state, counts[state]); err != nil {
			return err
		}
	}
	return nil
}
