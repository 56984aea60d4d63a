package auth_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"portal"
	"portal/internal/auth"
	"portal/internal/testkit/house"
)

// The whole table of states, once around: none, pending, enabled, disabled,
// enabled again, replaced, deleted.
func TestTwoFactorOnceAround(t *testing.T) {
	house.OnEach(t, func(t *testing.T, h *house.House) {
		acme := h.Customer(t, "Acme")
		h.User(t, acme, portal.RoleUser, "wendy")
		wendy := h.Person(t, "wendy")

		if codes := wendy.Enable(); len(codes) != 10 {
			t.Fatalf("%d recovery codes", len(codes))
		}
		want(t, wendy, portal.TwoFactorEnabled)

		wendy.Take(h.Auth.DisableTwoFactor(t.Context(), wendy.Actor(), wendy.Proof()))
		want(t, wendy, portal.TwoFactorDisabled)

		again, err := h.Auth.EnableTwoFactor(t.Context(), wendy.Actor(), wendy.Proof())
		wendy.Take(again.Renewed, err)
		want(t, wendy, portal.TwoFactorEnabled)

		old := wendy.Key
		wendy.Take(h.Auth.StartReplacement(t.Context(), wendy.Actor(), wendy.Proof()))
		wendy.Scan()
		if string(old) == string(wendy.Key) {
			t.Fatal("the replacement shows the old key")
		}
		replaced, err := h.Auth.ConfirmSetup(t.Context(), wendy.Actor(), wendy.Code())
		wendy.Take(replaced.Renewed, err)
		want(t, wendy, portal.TwoFactorEnabled)

		wendy.Take(h.Auth.DeleteSetup(t.Context(), wendy.Actor(), wendy.Proof()))
		want(t, wendy, portal.TwoFactorNone)
		wendy.SignIn()
	})
}

func want(t *testing.T, p *house.Person, state portal.TwoFactorState) {
	t.Helper()
	if got := p.State(); got != state {
		t.Fatalf("2FA state of %s is %q, want %q", p.Login, got, state)
	}
}

// Each setup has a label of its own, whatever became of the one before: an app
// may hold its entry still, and would overwrite it or show two that are equal
// (OT-09). As long as a set-up is pending it keeps its key and its label.
func TestLabelsAreUnique(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, shown := s.bring(t, "wendy", none), map[string]bool{}
		deed := func(r auth.Renewed, err error) { t.Helper(); p.Take(r, err) }
		show := func(want string) {
			t.Helper()
			uri := s.shownURI(t, p)
			label, err := url.PathUnescape(strings.Split(strings.TrimPrefix(uri, "otpauth://totp/"), "?")[0])
			if err != nil || label != "Acme Portal:"+want || shown[label] {
				t.Errorf("the label is %q, %v; want %s, and none that was shown before", label, err, want)
			}
			shown[label] = true
		}
		cancel := func() {
			t.Helper()
			if err := s.Auth.CancelSetup(t.Context(), p.Actor()); err != nil {
				t.Fatal(err)
			}
		}
		start := func() { t.Helper(); deed(s.Auth.StartSetup(t.Context(), p.Actor(), p.Proof())) }
		replace := func() { t.Helper(); deed(s.Auth.StartReplacement(t.Context(), p.Actor(), p.Proof())) }
		confirm := func() {
			t.Helper()
			p.Scan()
			c, err := s.Auth.ConfirmSetup(t.Context(), p.Actor(), p.Code())
			deed(c.Renewed, err)
		}
		start()
		show("wendy")
		cancel()
		start()
		before := s.shownURI(t, p)
		start() // again, while one is pending
		if again := s.shownURI(t, p); again != before {
			t.Errorf("a pending set-up is shown as %s, then as %s", before, again)
		}
		show("wendy (2)")
		confirm()
		replace()
		show("wendy (3)")
		cancel()
		replace()
		show("wendy (4)")
		confirm()
		deed(s.Auth.DeleteSetup(t.Context(), p.Actor(), p.Proof()))
		p.Key = nil
		start()
		show("wendy (5)")
		s.Clock.Advance(16 * time.Minute) // it runs out
		start()
		show("wendy (6)")
		confirm()
	})
}
