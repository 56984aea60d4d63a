package admin_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
	"portal/internal/testkit/house"
)

// scene is a house with two customers.
type scene struct {
	*house.House
	acme, other portal.Actor
}

func onEach(t *testing.T, test func(*testing.T, scene)) {
	t.Helper()
	house.OnEach(t, func(t *testing.T, h *house.House) {
		test(t, scene{h, h.Customer(t, "Acme"), h.Customer(t, "Other")})
	})
}

// onSQLite is a scene whose subject no database can change.
func onSQLite(t *testing.T) scene {
	t.Helper()
	h := house.New(t, "")
	return scene{h, h.Customer(t, "Acme"), h.Customer(t, "Other")}
}

// administrator is a new administrator of the customer, signed in.
func (s scene) administrator(t *testing.T, in portal.Actor, login string) *house.Person {
	t.Helper()
	s.User(t, in, portal.RoleAdministrator, login)
	return s.Person(t, login)
}

// protected is a new user of the customer with 2FA enabled.
func (s scene) protected(t *testing.T, in portal.Actor, login string) (p *house.Person, id portal.UserID) {
	t.Helper()
	s.User(t, in, portal.RoleUser, login)
	p = s.Person(t, login)
	p.Enable()
	return p, p.Actor().UserID
}

// password is the proof of somebody without a second factor.
func password() auth.Proof { return auth.Proof{Password: house.Password} }

// edit is what the edit form of a user sends.
func edit(login string, role portal.Role) admin.Edit {
	return admin.Edit{Name: "Name of " + login, Email: login + "@example.com", Role: string(role)}
}

// refused holds that an error has a code.
func refused(t *testing.T, what string, err error, code portal.Code) {
	t.Helper()
	if got := portal.ErrorCode(err); err == nil || got != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

// events reads the newest events of a customer.
func (s scene) events(t *testing.T, in portal.Actor, q admin.EventQuery) []portal.Event {
	t.Helper()
	page, err := s.Admin.Events(t.Context(), in, q)
	if err != nil {
		t.Fatal(err)
	}
	return page.Events
}

// sameRefusal holds that two errors cannot be told apart.
func sameRefusal(t *testing.T, what string, foreign, missing error) {
	t.Helper()
	if foreign == nil || fmt.Sprint(foreign) != fmt.Sprint(missing) || portal.ErrorCode(foreign) != portal.CodeNotFound {
		t.Errorf("%s: foreign %v, missing %v; want the same not-found", what, foreign, missing)
	}
}

// outside is a look at the database past the portal.
func (s scene) outside(t *testing.T) *sql.DB {
	t.Helper()
	driver, source := "pgx", s.Database
	if source == "" {
		driver, source = "sqlite", "file:"+filepath.Join(s.Folder, "portal.db")+"?_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// change changes rows past the portal.
func (s scene) change(t *testing.T, query string, args ...any) {
	t.Helper()
	if _, err := s.outside(t).ExecContext(t.Context(), query, args...); err != nil {
		t.Fatal(err)
	}
}

// mails are the recipients of one kind of mail in the outbox, sorted.
func (s scene) mails(t *testing.T, kind portal.MailKind) (to []string) {
	t.Helper()
	rows, err := s.outside(t).QueryContext(t.Context(), "SELECT recipient FROM mails WHERE kind = $1 ORDER BY recipient", string(kind))
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var one string
		if err := rows.Scan(&one); err != nil {
			t.Fatal(err)
		}
		to = append(to, one)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return to
}
