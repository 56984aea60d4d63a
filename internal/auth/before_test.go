package auth_test

import (
	"strings"
	"testing"

	"portal"
	"portal/internal/store"
	"portal/internal/testkit/house"
)

// last is what the home page tells of the time before a person's session.
func (s scene) last(t *testing.T, p *house.Person) portal.LastTime {
	t.Helper()
	return p.Actor().Last
}

// A sign-in from a new browser is told by mail, with an alarm, and on the home
// page after the owner's next sign-in; the first of all is not, nor one from a
// known browser (AU-15).
func TestNewBrowserIsTold(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, _ := s.protected(t, "wendy")
		told := func() []portal.Letter { return s.LettersOf(t, "wendy", portal.MailNewBrowser) }
		if last := s.last(t, p); len(told()) != 0 || last.Suspicious() || !last.At.IsZero() {
			t.Errorf("after the very first sign-in: %v, %+v", told(), last)
		}
		p.SignIn()
		if last := s.last(t, p); len(told()) != 0 || last.Suspicious() || !last.At.Equal(house.Start()) || last.Address != house.Origin().Address {
			t.Errorf("in the known browser: %v, %+v", told(), last)
		}
		thief := *p
		thief.Browser = ""
		thief.SignIn()
		if l := told(); len(l) != 1 || l[0].Alarm == "" || l[0].Address != house.Origin().Address {
			t.Fatalf("letters: %+v", l)
		}
		if e := s.lastEvent(t, &thief); e.Action != portal.SignedIn || !strings.HasSuffix(e.Detail, "new browser") {
			t.Errorf("the trail says %+v", e)
		}
		p.SignIn()
		if last := s.last(t, p); !last.NewBrowser || last.Agent == "" || len(told()) != 1 {
			t.Errorf("after the owner's next sign-in: %+v", last)
		}
		p.SignIn()
		if s.last(t, p).Suspicious() {
			t.Error("it is told for ever")
		}
	})
}

// A success after many wrong tries, of passwords and codes, is told by mail and
// with their number on the home page (AU-15).
func TestManyFailuresAreTold(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, _ := s.protected(t, "wendy")
		p.SignIn()
		for range 4 {
			s.guess(t, house.Origin(), "wendy")
		}
		for range 5 {
			refused(t, "wrong", s.enter(t, "wendy", s.wrong(p)), portal.CodeInvalid)
		}
		p.SignIn()
		if last := s.last(t, p); last.WrongTries != 9 || len(s.LettersOf(t, "wendy", portal.MailManyFailures)) != 0 {
			t.Errorf("after nine: %+v", last)
		}
		for range 4 {
			s.guess(t, house.Origin(), "wendy")
			refused(t, "wrong", s.enter(t, "wendy", s.wrong(p)), portal.CodeInvalid)
			s.guess(t, house.Origin(), "wendy")
		}
		p.SignIn()
		letters := s.LettersOf(t, "wendy", portal.MailManyFailures)
		if last := s.last(t, p); last.WrongTries != 12 || len(letters) != 1 || letters[0].Left != 12 || letters[0].Alarm == "" {
			t.Errorf("after twelve: %+v, %+v", last, letters)
		}
		p.SignIn()
		if s.last(t, p).Suspicious() {
			t.Error("it is told twice")
		}
	})
}

// Whoever fills the trail of an account before signing in, so that the sign-in
// before is out of sight, is told of all the same.
func TestNewBrowserIsToldBehindAFloodOfEvents(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p := s.person(t, "wendy")
		user := portal.User{ID: p.Actor().UserID, CustomerID: s.acme.CustomerID, LoginID: "wendy"}
		err := s.Store.Write(t.Context(), s.acme.CustomerID, func(tx *store.Tx) error {
			for range 100 {
				if err := tx.Record(t.Context(), portal.Stranger(house.Origin()).Did(portal.ResetAsked).On(user)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		thief := *p
		thief.Browser = ""
		thief.SignIn()
		if told := s.LettersOf(t, "wendy", portal.MailNewBrowser); len(told) != 1 {
			t.Errorf("told %d times", len(told))
		}
	})
}
