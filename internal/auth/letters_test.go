package auth_test

import (
	"testing"
	"time"

	"portal"
	"portal/internal/store"
)

// Who can make the portal write to somebody again and again fills no mailbox:
// five letters of one such kind in an hour, then no more until the hour has
// passed. Others, and what tells of a change, are not held up (IN-03).
func TestProvokedLettersAreLimited(t *testing.T) {
	onEach(t, func(t *testing.T, h scene) {
		acme := h.acme
		wendy, bob := h.User(t, acme, portal.RoleUser, "wendy"), h.User(t, acme, portal.RoleUser, "bob")
		tell := func(user portal.User, kind portal.MailKind) {
			t.Helper()
			err := h.Store.Write(t.Context(), acme.CustomerID, func(tx *store.Tx) error {
				if err := h.Auth.TellWithAlarm(t.Context(), tx, acme, user, portal.Letter{Kind: kind}); err != nil {
					return err
				}
				return tx.Record(t.Context(), acme.Did(portal.UserEdited))
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		want := func(login string, kind portal.MailKind, n int) {
			t.Helper()
			if got := len(h.LettersOf(t, login, kind)); got != n {
				t.Errorf("%s got %d letters of the kind %s, want %d", login, got, kind, n)
			}
		}
		for range 8 {
			tell(wendy, portal.MailWrongCodes)
			tell(wendy, portal.MailPasswordChanged)
		}
		tell(wendy, portal.MailNewBrowser)
		tell(bob, portal.MailWrongCodes)
		want("wendy", portal.MailWrongCodes, 5)
		want("wendy", portal.MailPasswordChanged, 8)
		want("wendy", portal.MailNewBrowser, 1)
		want("bob", portal.MailWrongCodes, 1)
		h.Clock.Advance(time.Hour)
		tell(wendy, portal.MailWrongCodes)
		want("wendy", portal.MailWrongCodes, 6)
	})
}
