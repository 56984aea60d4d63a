package arch

import (
	"go/ast"
	"go/constant"
	"go/token"
	"go/types"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// statement is one SQL text of the source.
type statement struct {
	at   token.Pos
	text string // with single spaces
}

// exemption lets one statement break a rule. It names a part of its text.
type exemption struct {
	part, why string
}

var (
	// sqlVerb is how a statement begins. Ours are written in capitals, which
	// tells them from English; a lone DELETE is one of HTTP's methods.
	sqlVerb = regexp.MustCompile(`^((SELECT|INSERT|UPDATE|WITH)|DELETE FROM) `)
	// smallSQL is a statement that sqlVerb overlooks.
	smallSQL = regexp.MustCompile(`(?i)^(select\b.* from|insert into|update \w+ set|delete from|with \w+ as) `)

	customerOwned = regexp.MustCompile(`\b(users|user_terms|authenticators|recovery_codes|sessions|half_sessions|links|events|customer_counts|alarms|browsers|mails|reset_requests|help_requests|unsealed_events|audit_seals|audit_chains)\b`)
	// bindsCustomer is a statement that narrows its rows to a customer, or gives
	// a new row one. To read the column is not enough.
	bindsCustomer = regexp.MustCompile(`\bcustomer_id (=|IN\b)|\(customer_id, [^()]*\) [=<>]|^INSERT INTO \w+ \([^)]*\bcustomer_id\b`)
	byPosition    = regexp.MustCompile(`(?i)\boffset\b`)
	// unnamed is a statement whose columns depend on the schema: a newer program
	// that adds one would change it under an older program that runs.
	unnamed   = regexp.MustCompile(`^SELECT (DISTINCT )?(\w+\.)?\*|, (\w+\.)?\* FROM|\bRETURNING \*|\bINSERT INTO \w+ (VALUES|SELECT|DEFAULT)\b`)
	countsAll = regexp.MustCompile(`(?i)\bcount\s*\(\s*[*1]\s*\)`)
)

// Statements that may ask a customer's table without knowing the customer. Each
// finds out whose a thing is; what it finds is a customer's from there on.
var ofEveryCustomer = []exemption{
	{"FROM half_sessions WHERE digest = $1", "the digest of a secret names the one row, and the row its customer"},
	{"UPDATE half_sessions SET tries = tries + 1 WHERE digest = $1", "the digest of a secret names the one row; it charges a try"},
	{"FROM alarms WHERE digest = $1", "the digest of a secret names the one row, and the row its customer"},
	{"FROM links WHERE digest = $1", "the digest of a secret names the one row, and the row its customer"},
	{"UPDATE browsers SET digest = $2 WHERE digest = $1", "a browser has one token for everybody who uses it"},
	{"DELETE FROM half_sessions WHERE expires_at <= $1", "age alone decides what is forgotten, and it is the same for all customers; the rules are tested one by one"},
	{"DELETE FROM sessions WHERE expires_at <= $1", "the same"},
	{"DELETE FROM sessions WHERE last_seen_at <= $1", "the same"},
	{"DELETE FROM links WHERE expires_at <= $1", "the same"},
	{"DELETE FROM alarms WHERE expires_at <= $1", "the same"},
	{"DELETE FROM browsers WHERE last_used_at <= $1", "the same"},
	{"DELETE FROM authenticators WHERE state = 'pending' AND expires_at <= $1", "the same"},
	{"DELETE FROM mails WHERE state <> 'waiting' AND done_at <= $1", "the same"},
	{"DELETE FROM reset_requests WHERE created_at <= $1", "the same"},
	{"DELETE FROM help_requests WHERE created_at <= $1", "the same"},
	{"secret FROM authenticators WHERE id > $1", "whoever holds the keys brings all sealed values under the newest; each is bound to its customer"},
	{"letter FROM mails WHERE id > $1", "the same"},
	{"SELECT DISTINCT user_id FROM recovery_codes WHERE key_id = $1", "is anybody left whose recovery codes hang on a key"},
	{"WHERE u.login_key = $1", "the sign-in page asks for the login ID alone, which is unique over all customers"},
	{"FROM mails WHERE state = 'waiting' AND next_try_at <= $1 LIMIT 1", "the delivery looks whether any mail is due; it learns no more"},
	{"UPDATE mails SET tries = tries + 1, next_try_at = $2 WHERE state", "the delivery takes what is due of every customer; each mail names its own"},
	{"FROM mails WHERE created_at <= $1 AND state = 'waiting'", "the housekeeping gives up what has waited too long; each mail names its own customer"},
	{"FROM mails WHERE id > $1", "the host reads the outbox of the installation"},
	{"FROM mails WHERE id = $1", "the host reads one mail of the outbox; what comes of it is its customer's"},
	{"FROM reset_requests WHERE created_at > $2 ORDER BY id LIMIT $1", "the job that answers them serves all customers; each row says whose it is"},
	{"FROM customer_counts GROUP BY twofa_state", "the metrics tell of the whole installation, and of nobody in it"},
	{"SELECT created_at FROM mails WHERE state = 'waiting'", "the same"},
	{"SELECT customer_id FROM unsealed_events", "whose events wait for a seal? The sealer goes from customer to customer"},
	{"SELECT customer_id FROM audit_chains", "whose chain is under an old key? The sealer goes from customer to customer"},
	{"FROM authenticators WHERE state = 'pending' AND expires_at <= $1 LIMIT $2", "the host asks whether the housekeeping is done; it learns how much is left"},
	{"FROM mails WHERE state = $1 AND created_at <= $2 LIMIT $3", "the host asks whether mails are stuck; it learns how many"},
	{"SELECT id, at FROM events ORDER BY id", "the newest event of the installation, by which a host recognises the database; it learns no more than when it was"},
	{"SELECT id, at FROM events WHERE id = $1", "the same: does the database still have it"},
	{"FROM users WHERE role = 'administrator' LIMIT 1", "has the installation an administrator at all, or does it need a set-up link"},
}

// Statements that may count rows, or page by their number.
var readsAll = []exemption{
	{"COUNT(*), SUM(page.able)", "the host holds the counters against the rows; each statement counts one page"},
	{"SELECT created_at FROM mails WHERE state = 'waiting' ORDER BY next_try_at LIMIT 10000", "the metrics, for nobody's page: counted up to a limit, every few seconds at most"},
	{"SELECT customer_id, event_id FROM unsealed_events LIMIT 10000", "the same"},
	{"SELECT COUNT(*) FROM …", "a backup says how many rows it has, and a restore counts them again"},
}

// literals returns every string of a package that stands in one place: a
// literal, or literals and constants put together with +. What is not known
// before the program runs becomes "…".
func (p *pkg) literals() []statement {
	var all []statement
	for _, file := range p.files {
		ast.Inspect(file, func(node ast.Node) bool {
			switch n := node.(type) {
			case *ast.ImportSpec, *ast.Field: // Field: a struct tag is no text
				_, isField := n.(*ast.Field)
				return isField && n.(*ast.Field).Tag == nil
			case *ast.BasicLit, *ast.BinaryExpr:
				text, ok := p.text(n.(ast.Expr))
				if ok {
					all = append(all, statement{n.Pos(), strings.Join(strings.Fields(text), " ")})
				}
				return !ok
			}
			return true
		})
	}
	return all
}

// text puts a string expression together; it is false where there is nothing
// of a string in it.
func (p *pkg) text(expression ast.Expr) (string, bool) {
	switch e := expression.(type) {
	case *ast.BasicLit:
		text, err := strconv.Unquote(e.Value)
		return text, err == nil && e.Kind == token.STRING
	case *ast.Ident:
		if c, ok := p.info.Uses[e].(*types.Const); ok && c.Val().Kind() == constant.String {
			return constant.StringVal(c.Val()), true
		}
	case *ast.ParenExpr:
		return p.text(e.X)
	case *ast.BinaryExpr:
		if e.Op != token.ADD {
			return "", false
		}
		left, leftOK := p.text(e.X)
		right, rightOK := p.text(e.Y)
		return left + right, leftOK || rightOK
	}
	return "…", false
}

// storeSQL returns the statements of the one package that may have any.
func storeSQL(t *tree) []statement {
	var all []statement
	for _, p := range t.production() {
		if p.dir != "internal/store" {
			continue
		}
		for _, literal := range p.literals() {
			if sqlVerb.MatchString(literal.text) {
				all = append(all, literal)
			}
		}
	}
	return all
}

// sqlInStore is the rule that SQL stands in store, in capitals.
func sqlInStore(t *tree) []string {
	var findings []string
	for _, p := range t.production() {
		for _, literal := range p.literals() {
			isSQL := sqlVerb.MatchString(literal.text)
			switch {
			case isSQL && p.dir != "internal/store":
				findings = append(findings, t.report(literal.at, "SQL outside of store: %.60s", literal.text))
			case !isSQL && p.dir == "internal/store" && smallSQL.MatchString(literal.text):
				findings = append(findings, t.report(literal.at, "write SQL in capitals: %.60s", literal.text))
			}
		}
	}
	return findings
}

// sqlRule makes a rule of what may not be said in a statement of store. An
// exemption that exempts nothing is a finding too.
func sqlRule(what string, exempt []exemption, offends func(text string) bool) rule {
	return func(t *tree) []string {
		var findings []string
		used := map[string]bool{}
		for _, s := range storeSQL(t) {
			if !offends(s.text) {
				continue
			}
			i := slices.IndexFunc(exempt, func(e exemption) bool { return strings.Contains(s.text, e.part) })
			if i < 0 {
				findings = append(findings, t.report(s.at, "%s: %s", what, s.text))
				continue
			}
			used[exempt[i].part] = true
		}
		for _, e := range exempt {
			if !used[e.part] {
				findings = append(findings, "this exemption is no longer needed: "+e.part)
			}
		}
		return findings
	}
}

// namesCustomer is the rule that no statement touches a customer's rows
// without saying whose.
func namesCustomer(exempt []exemption) rule {
	return sqlRule("asks a customer's table without customer_id", exempt, func(text string) bool {
		return customerOwned.MatchString(text) && !bindsCustomer.MatchString(text)
	})
}

// boundedReads is the rule that no read grows with the table: lists page by
// key, numbers that people see are kept.
func boundedReads(exempt []exemption) rule {
	return sqlRule("pages by OFFSET or counts rows", exempt, func(text string) bool {
		return byPosition.MatchString(text) || countsAll.MatchString(text)
	})
}

// namesColumns is the rule that each statement says which columns it means, so
// that an older program goes on while a newer one adds some.
func namesColumns() rule {
	return sqlRule("does not name its columns", nil, unnamed.MatchString)
}

func TestSQLStandsInStore(t *testing.T) {
	if n := len(storeSQL(load(t))); n < 20 {
		t.Errorf("found %d statements in store; the walk overlooks most", n)
	}
	holds(t, sqlInStore)
	finds(t, sqlInStore, []example{
		{"in store", map[string]string{"internal/store/a.go": "package store; const q = `\n\t\tSELECT 1`"}, nil},
		{"English", map[string]string{"internal/web/a.go": `package web; const a, b = "Select a user", "DELETE /users"; type t struct { A string "SELECT" }`}, nil},
		{"outside", map[string]string{"internal/auth/a.go": `package auth; import _ "x"; const verb = "DELETE"; var q = verb + " FROM links"`},
			[]string{"a.go:1:60: SQL outside of store: DELETE FROM links"}},
		{"in a command", map[string]string{"cmd/portal/a.go": "package main; func f() { g(`\n UPDATE users SET name = ''`) }"}, []string{"a.go:1:28: SQL outside"}},
		{"small letters", map[string]string{"internal/store/a.go": `package store; const q = "select id from users"; const e = "delete user: %w"`}, []string{"in capitals: select id"}},
	})
}

func TestStatementsNameTheCustomer(t *testing.T) {
	holds(t, namesCustomer(ofEveryCustomer))
	finds(t, namesCustomer(nil), []example{
		{"named", map[string]string{"internal/store/a.go": `package store
			const where = " WHERE customer_id = $1"
			const q = "SELECT id FROM users" + where
			const r = "SELECT name FROM customers WHERE id = $1"
			const s = "SELECT id FROM user_sessions"
			const t = "INSERT INTO links (id, customer_id) VALUES ($1, $2)"
			const u = "SELECT id FROM events WHERE (customer_id, id) > ($1, $2)"`}, nil},
		{"forgotten", map[string]string{"internal/store/a.go": "package store\nconst columns = \"id, name\"\nfunc f(s string) {\n" +
			"g(`SELECT ` + columns + `\n\t\tFROM users WHERE id = $1`)\n" +
			"g(\"DELETE FROM sessions WHERE \" + s)\n" +
			"g(`WITH old AS (SELECT id FROM links) UPDATE recovery_codes SET used_at = 1`)\n" +
			"g(`SELECT customer_id FROM events`)\n" +
			"g(`INSERT INTO user_terms (user_id, term) VALUES ($1, $2)`)\n}"},
			[]string{"a.go:4:3: asks a customer's table without customer_id: SELECT id, name FROM users", "DELETE FROM sessions", "WITH old", "SELECT customer_id", "INSERT INTO user_terms"}},
	})
	finds(t, namesCustomer([]exemption{{"DELETE FROM sessions WHERE expires_at", "housekeeping"}, {"SELECT nothing", "gone"}}), []example{
		{"exempt", map[string]string{"internal/store/a.go": `package store; const q = "DELETE FROM sessions  WHERE expires_at < $1"`},
			[]string{"no longer needed: SELECT nothing"}},
	})
}

func TestReadsAreBounded(t *testing.T) {
	holds(t, boundedReads(readsAll))
	finds(t, boundedReads(nil), []example{
		{"by key", map[string]string{"internal/store/a.go": `package store; const q = "SELECT count(used_at), offset_ FROM t WHERE id > $1 LIMIT $2"`}, nil},
		{"by number", map[string]string{"internal/store/a.go": "package store; const a, b, c = `SELECT id FROM t LIMIT 10\n OFFSET $1`, `SELECT COUNT( * ) FROM t`, `SELECT count(1) FROM t`"},
			[]string{"OFFSET", "COUNT( * )", "count(1)"}},
	})
}

func TestStatementsNameTheirColumns(t *testing.T) {
	holds(t, namesColumns())
	finds(t, namesColumns(), []example{
		{"named", map[string]string{"internal/store/a.go": `package store
			const q, r = "SELECT a * b, c FROM (SELECT * FROM t) s", "INSERT INTO t (a) VALUES ($1) RETURNING a"`}, nil},
		{"unnamed", map[string]string{"internal/store/a.go": "package store; const a, b, c, d = `SELECT * FROM t`, `SELECT a, t.* FROM t`, `INSERT INTO t VALUES ($1)`, `UPDATE t SET a = 1 RETURNING *`"},
			[]string{"SELECT *", "SELECT a, t.*", "INSERT INTO t VALUES", "RETURNING *"}},
	})
}
