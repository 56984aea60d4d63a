package fill

import (
	"cmp"
	"slices"
	"strings"

	"portal"
)

// table is a table and the columns that are filled.
type table struct {
	name    string
	columns []string
}

func newTable(name, columns string) table { return table{name, strings.Fields(columns)} }

// perPerson is a table with the rows that a person has in it.
type perPerson struct {
	table
	rows func(Into, Person) [][]any
}

func tables() []perPerson {
	return []perPerson{
		{newTable("users", `id customer_id login_id login_key name name_key email role state password_hash
			password_changed_at twofa_state twofa_changed_at authenticator_id security_version created_at`), userRows},
		{newTable("user_terms", "term user_id customer_id twofa_state"), termRows},
		{newTable("authenticators", `id customer_id user_id state secret serial last_step session_id
			created_at expires_at confirmed_at last_used_at`), authenticatorRows},
		{newTable("browsers", "user_id customer_id digest agent created_at last_used_at"), browserRows},
	}
}

// countsTable keeps how many users of a customer have which role and 2FA state.
func countsTable() table {
	return newTable("customer_counts", "customer_id role twofa_state users")
}

// standing is where a person is counted.
type standing struct {
	customer portal.CustomerID
	role     portal.Role
	state    portal.TwoFactorState
}

func userRows(in Into, p Person) [][]any {
	now := in.Now.UnixMicro()
	var authenticator any
	if p.Stored != portal.TwoFactorNone {
		authenticator = string(p.Authenticator)
	}
	return [][]any{{
		string(p.ID), string(p.CustomerID), p.LoginID, portal.FoldKey(p.LoginID), p.Name, portal.FoldKey(p.Name), p.Email,
		string(p.Role), string(p.State), p.PasswordHash, now, string(p.Stored), now, authenticator, int64(1), now,
	}}
}

func termRows(_ Into, p Person) (rows [][]any) {
	terms := p.SearchTerms()
	slices.Sort(terms)
	for _, term := range slices.Compact(terms) {
		rows = append(rows, []any{term, string(p.ID), string(p.CustomerID), string(p.Stored)})
	}
	return rows
}

func authenticatorRows(in Into, p Person) [][]any {
	if p.Stored == portal.TwoFactorNone {
		return nil
	}
	now := in.Now.UnixMicro()
	return [][]any{{
		string(p.Authenticator), string(p.CustomerID), string(p.ID), "current", p.Secret, int64(1), int64(0), "",
		now, now, now, int64(0),
	}}
}

func browserRows(in Into, p Person) [][]any {
	if p.Browser == nil {
		return nil
	}
	now := in.Now.UnixMicro()
	return [][]any{{string(p.ID), string(p.CustomerID), p.Browser, "", now, now}}
}

// sessionsTable keeps the signed-in browsers.
func sessionsTable() table {
	return newTable("sessions", `id digest customer_id user_id security_version proofs
		created_at last_seen_at expires_at stepped_up_at address agent`)
}

func sessionRow(in Into, s Session) []any {
	now := in.Now.UnixMicro()
	return []any{
		string(s.ID), s.Digest, string(s.Customer), string(s.User), int64(1), s.Proofs,
		now, now, s.Expires.UnixMicro(), int64(0), s.Address, s.Agent,
	}
}

// eventsTable keeps the audit trail.
func eventsTable() table {
	return newTable("events", `customer_id at action outcome actor_kind actor_id actor_label
		target_id target_label detail address agent request_id`)
}

func eventRow(e portal.Event) []any {
	return []any{
		string(e.CustomerID), e.At.UnixMicro(), string(e.Action), string(e.Outcome), string(e.ActorKind), string(e.ActorID), e.ActorLabel,
		string(e.TargetID), e.TargetLabel, e.Detail, e.Origin.Address, e.Origin.Agent, e.Origin.RequestID,
	}
}

func countRows(counts map[standing]int64) (rows [][]any) {
	for of, users := range counts {
		rows = append(rows, []any{string(of.customer), string(of.role), string(of.state), users})
	}
	return rows
}

// sortByTerm puts rows in the order of their first two columns: a term and a
// user, or an identifier.
func sortByTerm(rows [][]any) {
	slices.SortFunc(rows, func(a, b []any) int {
		return cmp.Or(strings.Compare(a[0].(string), b[0].(string)), strings.Compare(a[1].(string), b[1].(string)))
	})
}
