package main

import (
	"database/sql"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"portal"
)

// trail watches the events that deeds leave.
type trail struct {
	t    *testing.T
	db   *sql.DB
	last int64
	seen map[portal.Action]bool
}

// watch begins after what has happened so far.
func (s *server) watch(t *testing.T) *trail {
	db := s.beneath()
	return &trail{t: t, db: db, last: number(t, db, "SELECT MAX(id) FROM events"), seen: map[portal.Action]bool{}}
}

// fresh are the events since the last look: action, or action and outcome where
// it was not done.
func (r *trail) fresh() (events []string) {
	r.t.Helper()
	rows, err := r.db.QueryContext(r.t.Context(), "SELECT id, action, outcome, actor_kind, at, address, node, agent FROM events WHERE id > $1 ORDER BY id", r.last)
	must(r.t, err)
	defer rows.Close()
	for rows.Next() {
		var action, outcome, kind, address, node, agent string
		var at int64
		must(r.t, rows.Scan(&r.last, &action, &outcome, &kind, &at, &address, &node, &agent))
		if kind == "" || at == 0 || address == "" || node == "" || agent == "" {
			r.t.Errorf("the event %q lacks who, when or where: %q %d %q %q %q", action, kind, at, address, node, agent)
		}
		r.seen[portal.Action(action)] = true
		if outcome != "done" {
			action += " " + outcome
		}
		events = append(events, action)
	}
	must(r.t, rows.Err())
	return events
}

// leaves holds that a deed leaves these events, each once, in this order.
func (r *trail) leaves(want string, deed func()) {
	r.t.Helper()
	deed()
	if got := strings.Join(r.fresh(), ", "); got != want {
		r.t.Errorf("the trail says %q, want %q", got, want)
	}
}

// elsewhere are the actions that this life does not meet, each with the test
// that finds its event.
func elsewhere() map[portal.Action]string {
	return map[portal.Action]string{
		portal.CodesBlocked: "TestHundredWrongCodesBlock", portal.SetupExpired: "TestKeptSetupRunsOut", portal.MailFailed: "TestRefusedMails",
		portal.AuditPruned: "TestAuditPrune", portal.BackupMade: "TestBackupAndRestore",
		portal.DataRestored: "TestBackupAndRestore", portal.RecoveryVoided: "TestBackupAndRestore", portal.DataMoved: "TestMoveToPostgres",
	}
}

// Every deed leaves its events, each once, and with who, when and where (LG-02,
// LG-04); whoever adds an action lets it happen here or says where it does.
func TestOneEntryForEachEvent(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	r := s.watch(t)
	gary := liveAlone(t, s, r)
	liveAmongOthers(t, s, r, gary)
	liveByLinks(t, s, r, gary)
	liveInNeed(t, s, r, gary)
	for _, action := range portal.Actions() {
		if why := elsewhere()[action]; r.seen[action] == (why != "") {
			t.Errorf("%s: seen %t, and found elsewhere by %q", action, r.seen[action], why)
		}
	}
}

// liveAlone walks through everything that a person does on the own account.
func liveAlone(t *testing.T, s *server, r *trail) *person {
	t.Helper()
	gary := s.person("gary")
	post := func(path string, pairs ...string) func() {
		return func() {
			if a := gary.Post(path, pairs...); a.Status >= 500 || a.Status == http.StatusNotFound {
				t.Errorf("%s answers %d", path, a.Status)
			}
		}
	}
	proof := func(path string) func() { return post(path, "password", goodPassword, "code", gary.code()) }
	var codes []string
	r.leaves("Set-up completed, User added", func() { gary = s.setUpByLink() })
	r.leaves("Password entered refused", post("/sign-in", "login_id", "gary", "password", "a wrong guess"))
	r.leaves("Sign-in", gary.signIn)
	r.leaves("2FA set-up started", post("/account/2fa/start"))
	r.leaves("2FA set-up cancelled", post("/account/2fa/cancel"))
	r.leaves("2FA set-up started, Recovery codes issued, 2FA enabled", func() { codes = gary.enable() })
	r.leaves("Sign-out", post("/sign-out"))
	r.leaves("Password entered", func() { gary.enterPassword() })
	r.leaves("Second factor entered refused", post("/sign-in/code", "code", "000000"))
	r.leaves("Sign-in cancelled", post("/sign-in/cancel"))
	r.leaves("Password entered, Sign-in", gary.signIn)
	r.leaves("Step-up refused", post("/account/recovery-codes", "password", "a wrong guess", "code", gary.code()))
	r.leaves("Recovery code used, Step-up, Recovery codes issued", post("/account/recovery-codes", "password", goodPassword, "recovery_code", codes[0]))
	r.leaves("Step-up, Authenticator replacement started", proof("/account/2fa/replace"))
	gary.scan(gary.Get("/account").Body)
	r.leaves("Recovery codes issued, Authenticator replaced", post("/account/2fa/confirm", "code", gary.code()))
	r.leaves("Step-up, 2FA disabled", proof("/account/2fa/disable"))
	r.leaves("Step-up, Recovery codes issued, 2FA re-enabled", proof("/account/2fa/enable"))
	r.leaves("Step-up, Sessions ended", proof("/account/sessions/end-others"))
	r.leaves("Step-up, 2FA setup deleted", proof("/account/2fa/delete"))
	gary.secrets = nil
	r.leaves("Step-up, Password changed", post("/account/password", "current_password", goodPassword, "new_password", goodPassword+" again"))
	gary.password = goodPassword + " again"
	return gary
}

// liveAmongOthers walks through what an administrator and the host do.
func liveAmongOthers(t *testing.T, s *server, r *trail, gary *person) {
	t.Helper()
	host := func(args ...string) func() { return func() { s.Run("", args...) } }
	r.leaves("Customer added", host("customer", "add", "Beta"))
	r.leaves("User added", func() { s.join("Acme", "user", "wendy") })
	path := userLink(t, gary.Get("/administration/access?search=wendy").want(t, 200).Body)
	post := func(path string, pairs ...string) func() {
		return func() {
			if a := gary.Post(path, append(pairs, "password", gary.password)...); a.Status >= 400 {
				t.Errorf("%s answers %d\n%s", path, a.Status, visible(a.Body))
			}
		}
	}
	r.leaves("Step-up, User added, Invitation link made", post("/administration/access/add", "login_id", "ivy", "name", "Ivy", "email", "ivy@acme.example", "role", "user"))
	r.leaves("User edited", post(path, "name", "Wendy", "email", "wendy@example.com", "role", "user", "version", "1"))
	r.leaves("Role changed", post(path, "name", "Wendy", "email", "wendy@example.com", "role", "administrator", "version", "1"))
	r.leaves("User suspended", post(path+"/suspend"))
	r.leaves("User reactivated", post(path+"/reactivate"))
	r.leaves("Sessions ended", post(path+"/end-sessions"))
	r.leaves("New password demanded", post(path+"/demand-password", "reason", "seen on a note"))
	r.leaves("Audit trail exported", post("/administration/audit/export", "format", "csv"))
	r.leaves("Wrong tries forgotten", host("user", "unlock", "wendy"))
	r.leaves("2FA policy changed", host("customer", "policy", "Beta", "--users", "off"))
	r.leaves("Customer suspended", host("customer", "suspend", "Beta"))
	r.leaves("Customer reactivated", host("customer", "reactivate", "Beta"))
	r.leaves("Mail read on the host", func() { s.Run("", "mail", "show", strings.Fields(s.Run("", "mail", "list"))[8]) })
	r.leaves("Keys rotated, Keys rotated, Keys rotated", host("key", "rotate")) // made, written with, everything under it
}

// liveByLinks walks through everything that a link opens.
func liveByLinks(t *testing.T, s *server, r *trail, gary *person) {
	t.Helper()
	opened := func(address, subject string) *person {
		t.Helper()
		mailbox := s.person("gary")
		mailbox.Get(s.mailAbout(address, subject, 1).link(t, "/link/")).want(t, http.StatusSeeOther)
		r.fresh() // mails were read
		return mailbox
	}
	post := func(p *person, path string, pairs ...string) func() {
		return func() {
			if a := p.Submit(path, pairs...); a.Status >= 400 {
				t.Errorf("%s answers %d\n%s", path, a.Status, visible(a.Body))
			}
		}
	}
	r.leaves("Invitation accepted", post(opened("ivy@acme.example", ""), "/invitation", "new_password", goodPassword))
	r.leaves("User added, Invitation link made", func() {
		s.Run("", "user", "add", "--customer", "Acme", "--name", "Ian", "--email", "ian@acme.example", "ian")
	})
	ian := userLink(t, gary.Get("/administration/access?search=ian").want(t, 200).Body)
	r.leaves("Invitation withdrawn", post(gary, ian+"/withdraw", "password", gary.password))
	for _, slot := range []string{"/account/email", "/account/second-email"} {
		address := strings.ReplaceAll(slot[9:], "/", "") + "@new.example"
		r.leaves("Step-up, E-mail change asked for", post(gary, slot, "email", address, "password", gary.password))
		r.leaves("E-mail address confirmed", post(opened(address, ""), "/confirm-address"))
		gary.signIn() // the change ended all sessions
		r.fresh()
	}
	r.leaves("Step-up, E-mail address removed", post(gary, "/account/second-email/remove", "password", gary.password))
	forgetful := s.person("ivy")
	forgetful.Post("/forgot-password", "login_id", "ivy").want(t, http.StatusSeeOther)
	reset := opened("ivy@acme.example", "Set a new password")
	if !r.seen[portal.ResetAsked] {
		t.Error("nobody asked for a new password")
	}
	r.leaves("Password reset", post(reset, "/reset-password", "new_password", goodPassword+" again"))
}

// liveInNeed walks through what helps who lost the phone, or was robbed.
func liveInNeed(t *testing.T, s *server, r *trail, gary *person) {
	t.Helper()
	walter := s.join("Acme", "user", "walter")
	walter.signIn()
	walter.enable()
	path := userLink(t, gary.Get("/administration/access?search=walter").want(t, 200).Body)
	half := s.person("walter")
	half.enterPassword()
	r.fresh()
	r.leaves("Help asked for", func() { half.Post("/sign-in/lost-phone") })
	r.leaves("Help request dismissed", func() { gary.Post(path+"/dismiss-help").want(t, http.StatusSeeOther) })
	mails := s.mailsTo(t, "walter@example.com")
	var alarm string
	for _, l := range mails {
		if strings.Contains(l.Text, "/alarm/") {
			alarm = l.link(t, "/alarm/")
		}
	}
	half.Get(alarm).wantRedirect(t, "/alarm")
	r.fresh()
	r.leaves("Account frozen", func() { half.Submit("/alarm").wantRedirect(t, "/alarm/frozen") })
	r.leaves("Step-up, Account opened again", func() { gary.Post(path+"/thaw", "password", gary.password).want(t, http.StatusSeeOther) })
	r.leaves("2FA setup deleted", func() { s.Run("", "user", "delete-2fa", "walter") })
}

// What is refused for want of a right stands in the log, with who asked for
// what, and a control character in it forges no line (LG-04, LG-05).
func TestTheLogTellsOfRefusals(t *testing.T) {
	t.Parallel()
	s := install(t).Serve()
	s.Run("", "customer", "add", "Acme")
	wendy := s.join("Acme", "user", "wendy")
	wendy.signIn()
	wendy.Get("/administration/audit").want(t, http.StatusNotFound)
	forged := "wendy%0A{%22level%22:%22INFO%22,%22msg%22:%22request%22}"
	r := wendy.request(http.MethodPost, "/sign-in", strings.NewReader("login_id="+forged+"&password=a+wrong+guess"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if a := wendy.do(r); a.Status != http.StatusBadRequest && a.Status != http.StatusUnprocessableEntity {
		t.Errorf("a login ID of two lines: %d", a.Status)
	}
	s.Stop()
	refused := false
	for _, line := range strings.Split(strings.TrimSpace(s.Log()), "\n") {
		if !strings.HasPrefix(line, "{") {
			continue // where the portal is
		}
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil || entry["time"] == nil || entry["level"] == nil || entry["msg"] == nil {
			t.Errorf("no whole line of the log: %v\n%s", err, line)
		}
		if entry["msg"] == "request" && entry["request_id"] == nil {
			t.Errorf("a line of the log without its request: %s", line)
		}
		refused = refused || entry["route"] == "/administration/audit" && entry["status"] == 404.0 && entry["user_id"] != nil
	}
	if !refused {
		t.Errorf("the log does not tell of the refusal:\n%s", s.Log())
	}
}
