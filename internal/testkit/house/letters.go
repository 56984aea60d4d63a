package house

import (
	"encoding/json"
	"testing"

	"portal"
	"portal/internal/seal"
	"portal/internal/store"
)

// outbox is more mails than a test puts there.
const outbox = 10_000

// Letters opens the letters to a user that wait in the outbox, oldest first.
func (h *House) Letters(t testing.TB, login string) []portal.Letter {
	t.Helper()
	mails, err := h.Store.Mails(t.Context(), "", outbox)
	if err != nil {
		t.Fatal(err)
	}
	var all []portal.Letter
	for _, m := range mails {
		if l := h.letter(t, m); m.State == store.MailWaiting && l.LoginID == login {
			all = append(all, l)
		}
	}
	return all
}

// LettersOf is Letters of one kind.
func (h *House) LettersOf(t testing.TB, login string, kind portal.MailKind) []portal.Letter {
	t.Helper()
	var all []portal.Letter
	for _, l := range h.Letters(t, login) {
		if l.Kind == kind {
			all = append(all, l)
		}
	}
	return all
}

// letter opens one mail; what has gone out is empty.
func (h *House) letter(t testing.TB, m store.Mail) (l portal.Letter) {
	t.Helper()
	if len(m.Letter) == 0 {
		return l
	}
	text, err := h.Ring.Open(m.Letter, seal.LetterPlace(string(m.CustomerID), string(m.UserID), m.ID))
	if err == nil {
		err = json.Unmarshal(text, &l)
	}
	if err != nil {
		t.Fatalf("mail %s: %v", m.ID, err)
	}
	return l
}
