package store

import (
	"context"
	"slices"

	"portal"
)

// UserQuery asks for one page of a customer's users.
type UserQuery struct {
	// Search is the beginning of a login ID, an e-mail address, a name or a
	// further word of a name. Empty lists everybody by name.
	Search string
	// State keeps users in one stored 2FA state; empty keeps all.
	State portal.TwoFactorState
	// After and Before page by key: the last or first user of the page that is
	// left. At most one is set; behind one who is not there is nobody.
	After, Before portal.UserID
	Limit         int
}

// Users lists one page in the order of the key. It reads no more rows than it
// returns, whatever the number of users.
//
// The texts differ in the index that they walk and the direction; each is
// written out, since a planner sees constants only in a text of its own.
func (v View) Users(ctx context.Context, q UserQuery) ([]portal.User, error) {
	from, there, err := v.listKey(ctx, q)
	if err != nil {
		return nil, err
	}
	if !there {
		return nil, nil
	}
	text, args := v.usersQuery(q, from)
	rows, err := v.q.rows(ctx, text, args...)
	users, err := scanAll(rows, err, scanUser)
	if q.Before != "" {
		slices.Reverse(users)
	}
	return users, err
}

const (
	usersHead  = `SELECT ` + userColumns + ` FROM users u WHERE u.customer_id = $1 `
	usersState = `AND u.twofa_state = $5 `
	usersAfter = `AND (u.name_key, u.id) > ($2, $3) ORDER BY u.name_key, u.id LIMIT $4`
	usersUpTo  = `AND (u.name_key, u.id) < ($2, $3) ORDER BY u.name_key DESC, u.id DESC LIMIT $4`

	// A user whom several terms match stands at the smallest of them. The range
	// has one bound at each end: of two, SQLite may begin at the farther one and
	// walk all the terms in between.
	foundHead = `SELECT ` + userColumns + ` FROM user_terms t
		JOIN users u ON u.customer_id = t.customer_id AND u.id = t.user_id
		WHERE t.customer_id = $1
		AND NOT EXISTS (SELECT 1 FROM user_terms s WHERE s.customer_id = t.customer_id AND s.user_id = t.user_id
			AND s.term >= $5 AND s.term < t.term) `
	foundState = `AND t.twofa_state = $7 `
	foundAfter = `AND (t.term, t.user_id) > ($2, $3) AND t.term < $6 ORDER BY t.term, t.user_id LIMIT $4`
	foundUpTo  = `AND (t.term, t.user_id) < ($2, $3) AND t.term >= $6 ORDER BY t.term DESC, t.user_id DESC LIMIT $4`
)

func (v View) usersQuery(q UserQuery, from string) (string, []any) {
	id, after, upTo, state := q.After, usersAfter, usersUpTo, usersState
	args := []any{v.customer, from, id, q.Limit}
	text := usersHead
	if q.Search != "" {
		after, upTo, state = foundAfter, foundUpTo, foundState
		prefix := portal.FoldKey(q.Search)
		text, args[1] = foundHead, max(from, prefix)
		args = append(args, prefix, upperBound(prefix))
	}
	if q.State != "" {
		text += state
		args = append(args, q.State)
	}
	if q.Before != "" {
		args[2] = q.Before
		if q.Search != "" {
			args[5] = args[4]
		}
		return text + upTo, args
	}
	return text + after, args
}

// upperBound is the first text behind all that begin with prefix; nothing that
// FoldKey returns sorts behind the last code point.
func upperBound(prefix string) string { return prefix + "\U0010FFFF" }

// listKey finds the sort key of the user that the page is left at, which is
// empty for the first page; false says that the user is gone, or foreign.
func (v View) listKey(ctx context.Context, q UserQuery) (key string, ok bool, err error) {
	if q.After+q.Before == "" {
		return "", true, nil
	}
	query, args := "SELECT name_key FROM users WHERE customer_id = $1 AND id = $2", []any{v.customer, q.After + q.Before}
	if q.Search != "" {
		query = `SELECT term FROM user_terms WHERE customer_id = $1 AND user_id = $2 AND term >= $3 AND term < $4
			ORDER BY term LIMIT 1`
		prefix := portal.FoldKey(q.Search)
		args = append(args, prefix, upperBound(prefix))
	}
	err = translate(v.q.row(ctx, query, args...).Scan(&key))
	if err == ErrNotFound {
		return "", false, nil
	}
	return key, err == nil, err
}
