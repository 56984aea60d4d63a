package store_test

import (
	"context"
	"testing"
	"time"

	"portal"
	"portal/internal/store"
)

// mail puts a mail into the outbox.
func (b base) mail(t *testing.T, u portal.User, id string) {
	t.Helper()
	b.write(t, u.CustomerID, func(tx *store.Tx) error {
		return tx.PutMail(t.Context(), store.Mail{ID: id, UserID: u.ID, Kind: portal.MailThawed, Recipient: u.Email, Letter: []byte("sealed")})
	})
}

// claim takes what is due.
func (b base) claim(t *testing.T, limit int) []store.Mail {
	t.Helper()
	mails, err := b.ClaimMails(t.Context(), limit, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return mails
}

// Who claims a mail has it until the lease ends, and nobody else. After a crash
// it is handed out again, and what the first one reports then counts no more.
func TestMailsAreLeased(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		u := b.user(t, b.customer(t, "acme"), "wendy")
		b.mail(t, u, "m-2")
		b.mail(t, u, "m-1")
		first := b.claim(t, 5)
		if len(first) != 2 || first[0].ID != "m-1" || first[1].ID != "m-2" || first[0].CustomerID != u.CustomerID || string(first[0].Letter) != "sealed" {
			t.Fatalf("claimed: %+v", first)
		}
		if again := b.claim(t, 5); len(again) != 0 {
			t.Errorf("claimed twice: %+v", again)
		}
		b.Clock.Advance(time.Minute)
		second := b.claim(t, 1)
		if len(second) != 1 || second[0].Tries != 2 {
			t.Fatalf("after the lease: %+v", second)
		}
		late := first[0]
		if late.ID != second[0].ID {
			late = first[1]
		}
		if sent, err := b.MailSent(t.Context(), late); sent || err != nil {
			t.Errorf("a report after the lease counts: %v, %v", sent, err)
		}
		if sent, err := b.MailSent(t.Context(), second[0]); !sent || err != nil {
			t.Errorf("the report of who has it: %v, %v", sent, err)
		}
		if m, err := b.MailByID(t.Context(), late.ID); err != nil || m.State != store.MailSent || len(m.Letter) != 0 {
			t.Errorf("%+v, %v", m, err)
		}
	})
}

// A mail that was put off comes when it is due, one that was given back at once
// and as if it had not been tried.
func TestMailsComeBack(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		u := b.user(t, b.customer(t, "acme"), "wendy")
		b.mail(t, u, "m-1")
		m := b.claim(t, 1)[0]
		if err := b.ReturnMail(t.Context(), m, 0, ""); err != nil {
			t.Fatal(err)
		}
		m = b.claim(t, 1)[0]
		if m.Tries != 1 {
			t.Errorf("%d tries after one that was given back", m.Tries)
		}
		if err := b.PostponeMail(t.Context(), m, time.Hour, "the server is away"); err != nil {
			t.Fatal(err)
		}
		b.Clock.Advance(time.Hour - time.Second)
		if early := b.claim(t, 1); len(early) != 0 {
			t.Errorf("too early: %+v", early)
		}
		b.Clock.Advance(time.Second)
		if due := b.claim(t, 1); len(due) != 1 || due[0].LastError != "the server is away" {
			t.Errorf("due: %+v", due)
		}
	})
}

// Many nodes that ask at once share the mails between them.
func TestClaimsAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		u := b.user(t, b.customer(t, "acme"), "wendy")
		b.mail(t, u, "m-1")
		won := winners(t, 8, func(ctx context.Context, _ int) (bool, error) {
			mails, err := b.ClaimMails(ctx, 5, time.Minute)
			return len(mails) == 1, err
		})
		if won != 1 {
			t.Errorf("%d have the mail, want one", won)
		}
	})
}

// The transaction of one customer ends no mail of another.
func TestForeignMailsStay(t *testing.T) {
	onEach(t, func(t *testing.T, b base) {
		u := b.user(t, b.customer(t, "acme"), "wendy")
		other := b.customer(t, "other")
		b.mail(t, u, "m-1")
		m := b.claim(t, 1)[0]
		if ended, err := b.verdict(t.Context(), other, func(tx *store.Tx) (bool, error) { return tx.FailMail(t.Context(), m, "x") }); ended || err != nil {
			t.Errorf("ended: %v, %v", ended, err)
		}
		many, err := b.View(other).GotMails(t.Context(), store.Mail{UserID: u.ID, Kind: portal.MailThawed, Recipient: u.Email}, time.Time{}, 1)
		if many || err != nil {
			t.Errorf("seen: %v, %v", many, err)
		}
		if ended, err := b.verdict(t.Context(), u.CustomerID, func(tx *store.Tx) (bool, error) { return tx.FailMail(t.Context(), m, "x") }); !ended || err != nil {
			t.Errorf("not ended by its own: %v, %v", ended, err)
		}
	})
}
