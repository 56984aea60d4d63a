package admin_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
	"portal/internal/store"
	"portal/internal/testkit/house"
)

// A demanded password ends what the old one has opened, is told with its
// reason, leaves the second factor alone, and is asked for once (PW-09).
func TestDemandPassword(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		ada := s.administrator(t, s.acme, "ada")
		wendy, id := s.protected(t, s.acme, "wendy")
		renewed, err := s.Admin.DemandPassword(t.Context(), ada.Actor(), id, "typed it into a false page", ada.Proof())
		ada.Take(renewed, err)
		user, err := s.Store.View(s.acme.CustomerID).User(t.Context(), id)
		if err != nil || !user.MustReset || user.Stored != portal.TwoFactorEnabled || wendy.Signed() {
			t.Errorf("afterwards %+v, %v; signed in %t", user, err, wendy.Signed())
		}
		letters := s.LettersOf(t, "wendy", portal.MailResetDemanded)
		if len(letters) != 1 || letters[0].Detail != "typed it into a false page" || letters[0].By == "" || letters[0].Token == "" {
			t.Errorf("the letters are %+v", letters)
		}
		e := s.events(t, s.acme, admin.EventQuery{Action: portal.ResetDemanded})
		if len(e) != 1 || e[0].Detail != "typed it into a false page" || e[0].ActorLabel != "ada" || e[0].TargetID != id {
			t.Errorf("the events are %+v", e)
		}
		_, err = s.Admin.DemandPassword(t.Context(), ada.Actor(), id, "again", ada.Proof())
		refused(t, "a second time", err, portal.CodeConflict)
	})
}

// Not of oneself, not without a reason, not where there is no password yet, and
// not without a step-up; nothing is spent or changed in vain.
func TestDemandPasswordIsRefused(t *testing.T) {
	s := onSQLite(t)
	ada := s.administrator(t, s.acme, "ada")
	user := s.User(t, s.acme, portal.RoleUser, "wendy")
	invited := s.add(t, ada, "ivan").User
	suspended, frozen := s.User(t, s.acme, portal.RoleUser, "sue"), s.User(t, s.acme, portal.RoleUser, "fred")
	ada.Take(s.Admin.Suspend(t.Context(), ada.Actor(), suspended.ID, ada.Proof()))
	err := s.Store.WriteUnaudited(t.Context(), s.acme.CustomerID, "test", func(tx *store.Tx) error {
		_, err := tx.Freeze(t.Context(), frozen.ID)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Clock.Advance(time.Hour)
	ada.SignIn()
	for what, c := range map[string]struct {
		id     portal.UserID
		reason string
		proof  auth.Proof
		want   portal.Code
	}{
		"oneself":            {ada.Actor().UserID, "r", ada.Proof(), portal.CodeConflict},
		"no reason":          {user.ID, "  ", ada.Proof(), portal.CodeInvalid},
		"no password to ask": {invited.ID, "r", ada.Proof(), portal.CodeConflict},
		"suspended":          {suspended.ID, "r", ada.Proof(), portal.CodeConflict},
		"frozen":             {frozen.ID, "r", ada.Proof(), portal.CodeConflict},
		"no proof":           {user.ID, "r", auth.Proof{}, portal.CodeProof},
		"wrong proof":        {user.ID, "r", auth.Proof{Password: "not the password"}, portal.CodeProof},
	} {
		_, err := s.Admin.DemandPassword(t.Context(), ada.Actor(), c.id, c.reason, c.proof)
		refused(t, what, err, c.want)
	}
	if now, err := s.Store.View(s.acme.CustomerID).User(t.Context(), user.ID); err != nil || now.MustReset {
		t.Errorf("%+v, %v", now, err)
	}
}

// Nothing makes a password expire: a year later it opens the account as on the
// first day (PW-09).
func TestPasswordsDoNotExpire(t *testing.T) {
	s := onSQLite(t)
	s.User(t, s.acme, portal.RoleUser, "wendy")
	for range 12 {
		s.Clock.Advance(31 * 24 * time.Hour)
		wendy := s.Person(t, "wendy")
		if owes := wendy.Actor().Owes; owes != portal.OwesNothing {
			t.Fatalf("at %s %q is owed", s.Clock.Now(), owes)
		}
	}
}

// shorten gives somebody a password of eight characters, past everything, as a
// policy that demanded a second factor had allowed.
func (s scene) shorten(t *testing.T, p *house.Person) {
	t.Helper()
	if _, err := s.Outside(t).Exec("UPDATE users SET password_short = 1 WHERE login_id = '" + p.Login + "'"); err != nil {
		t.Fatal(err)
	}
}

// A short password keeps its owner from giving up the second factor. Who loses
// it by an administrator's help pays with a new password, and reaches nothing
// else; after that the session goes on (PW-01).
func TestShortPasswordIsADebt(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy, id := s.protected(t, s.acme, "wendy")
		s.shorten(t, wendy)
		if owes := wendy.Actor().Owes; owes != portal.OwesNothing {
			t.Fatalf("with 2FA %q is owed", owes)
		}
		for what, giveUp := range map[string]func(context.Context, portal.Actor, auth.Proof) (auth.Renewed, error){
			"disable": s.Auth.DisableTwoFactor, "delete": s.Auth.DeleteSetup,
		} {
			_, err := giveUp(t.Context(), wendy.Actor(), wendy.Proof())
			refused(t, what, err, portal.CodeConflict)
		}
		if _, err := s.Admin.DeleteTwoFactor(t.Context(), s.acme, id, "lost phone", auth.Proof{}); err != nil {
			t.Fatal(err)
		}
		wendy.Key = nil
		wendy.SignIn()
		if owes := wendy.Actor().Owes; owes != portal.OwesPassword {
			t.Fatalf("without 2FA %q is owed", owes)
		}
		for what, try := range map[string]func(context.Context, portal.Actor) error{
			"account": func(ctx context.Context, a portal.Actor) error { _, err := s.Auth.Account(ctx, a); return err },
			"2FA": func(ctx context.Context, a portal.Actor) error {
				_, err := s.Auth.StartSetup(ctx, a, password())
				return err
			},
			"end sessions": func(ctx context.Context, a portal.Actor) error {
				_, err := s.Auth.EndOtherSessions(ctx, a, password())
				return err
			},
		} {
			refused(t, what, try(t.Context(), wendy.Actor()), portal.CodeOwed)
		}
		_, err := s.Auth.ChangePassword(t.Context(), wendy.Actor(), password(), strings.Repeat("x y ", 3)+"zz")
		refused(t, "another short one", err, portal.CodeInvalid)
		wendy.Take(s.Auth.ChangePassword(t.Context(), wendy.Actor(), password(), "a long one of my own"))
		if owes := wendy.Actor().Owes; owes != portal.OwesNothing {
			t.Errorf("after paying %q is owed", owes)
		}
	})
}
