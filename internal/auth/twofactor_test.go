package auth_test

import (
	"testing"

	"portal"
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
