package auth

import (
	"context"
	"strings"

	"portal"
	"portal/internal/store"
)

const (
	// lookBack is how many events before a sign-in are looked at; mostly the last
	// sign-in is among the first few.
	firstFew, lookBack = 3, 100
	// manyFailures is from how many wrong tries on a success looks suspicious.
	manyFailures = 10
	// inNewBrowser marks in the trail a sign-in from a browser that was new.
	inNewBrowser = ", new browser"
)

// before reads what happened to an account since its last sign-in. It reads
// outside of the transaction: a flood of wrong tries must not hold up the owner.
func (s *Service) before(ctx context.Context, user portal.User) (b portal.LastTime, err error) {
	view := s.store.View(user.CustomerID)
	for _, limit := range []int{firstFew, lookBack} {
		events, err := view.EventsOn(ctx, user.ID, limit)
		if err != nil {
			return b, err
		}
		b = sinceLast(events)
		if !b.At.IsZero() || len(events) < limit {
			return b, nil
		}
	}
	// strangers can put the sign-in out of sight, too; then a walk finds it
	events, err := view.Events(ctx, store.EventQuery{Person: user.ID, Action: portal.SignedIn, Limit: 1})
	for _, e := range events {
		lastIn(&b, e)
	}
	return b, err
}

// sinceLast reads events, the newest first, back to the last sign-in.
func sinceLast(events []portal.Event) (b portal.LastTime) {
	for _, e := range events {
		switch {
		case e.Action == portal.SignedIn && e.Outcome == portal.Done:
			lastIn(&b, e)
			return b
		case e.Outcome == portal.Refused && (e.Action == portal.PasswordTried || e.Action == portal.SecondFactorTried):
			b.WrongTries++
		}
	}
	return b
}

func lastIn(b *portal.LastTime, e portal.Event) {
	b.At, b.Address, b.Agent = e.At, e.Origin.Address, e.Origin.Agent
	b.NewBrowser = strings.HasSuffix(e.Detail, inNewBrowser)
}

// tellSuspicious tells by mail of a sign-in in a browser that is new to the
// account, and of one after many wrong tries (AU-15).
func (s *Service) tellSuspicious(ctx context.Context, tx *store.Tx, p proven) error {
	var kinds []portal.MailKind
	if p.inNewBrowser() {
		kinds = append(kinds, portal.MailNewBrowser)
	}
	if p.before.WrongTries >= manyFailures {
		kinds = append(kinds, portal.MailManyFailures)
	}
	for _, kind := range kinds {
		l := portal.Letter{Kind: kind, Left: p.before.WrongTries}
		if err := s.TellWithAlarm(ctx, tx, portal.Stranger(p.origin), p.user, l); err != nil {
			return err
		}
	}
	return nil
}

// inNewBrowser tells whether the browser is new to an account that was signed in
// to before.
func (p proven) inNewBrowser() bool {
	return !p.browser.known() && (!p.before.At.IsZero() || p.before.WrongTries >= manyFailures)
}

// how is what a sign-in was proven by, for the trail.
func (p proven) how() string {
	if p.inNewBrowser() {
		return string(p.by) + inNewBrowser
	}
	return string(p.by)
}
