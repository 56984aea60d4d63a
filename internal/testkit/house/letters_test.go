package house_test

import (
	"testing"

	"portal"
	"portal/internal/store"
	"portal/internal/testkit/house"
)

func TestLettersAreReadFromTheOutbox(t *testing.T) {
	h := house.New(t, "")
	acme := h.Customer(t, "Acme")
	wendy := h.User(t, acme, portal.RoleUser, "wendy")
	h.User(t, acme, portal.RoleUser, "bob")
	for _, kind := range []portal.MailKind{portal.MailFrozen, portal.MailThawed} {
		err := h.Store.Write(t.Context(), acme.CustomerID, func(tx *store.Tx) error {
			if err := h.Auth.Tell(t.Context(), tx, acme, wendy, portal.Letter{Kind: kind}); err != nil {
				return err
			}
			return tx.Record(t.Context(), acme.Did(portal.UserEdited))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	letters := h.Letters(t, "wendy")
	if len(letters) != 2 || letters[0].Kind != portal.MailFrozen || letters[1].Kind != portal.MailThawed {
		t.Fatalf("letters: %+v", letters)
	}
	if l := letters[0]; l.To != wendy.Email || l.By != "root" || l.Customer != "Acme" || !l.At.Equal(h.Clock.Now()) {
		t.Errorf("letter: %+v", l)
	}
	if got := h.LettersOf(t, "wendy", portal.MailThawed); len(got) != 1 {
		t.Errorf("of one kind: %+v", got)
	}
	if got := h.Letters(t, "bob"); len(got) != 0 {
		t.Errorf("letters to somebody else: %+v", got)
	}
}
