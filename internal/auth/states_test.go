package auth_test

import (
	"fmt"
	"testing"

	"portal"
	"portal/internal/auth"
	"portal/internal/otp"
	"portal/internal/testkit/house"
)

// The places where an account's 2FA can stand.
const (
	none      = "none"
	pending   = "pending"
	enabled   = "enabled"
	replacing = "enabled, replacing"
	disabled  = "disabled"
)

// subject is a person at one of these places; shown is the key of the pending
// set-up, if there is one.
type subject struct {
	*house.Person
	shown []byte
}

// bring makes a new person and brings it to a place.
func (s scene) bring(t *testing.T, login, place string) *subject {
	t.Helper()
	p := &subject{Person: s.person(t, login)}
	if place == none {
		return p
	}
	if place == pending {
		p.Take(s.Auth.StartSetup(t.Context(), p.Actor(), password()))
		p.peek()
		return p
	}
	p.Enable()
	switch place {
	case replacing:
		p.Take(s.Auth.StartReplacement(t.Context(), p.Actor(), p.Proof()))
		p.peek()
	case disabled:
		p.Take(s.Auth.DisableTwoFactor(t.Context(), p.Actor(), p.Proof()))
	}
	return p
}

// peek reads the pending key without giving up the one in the phone.
func (p *subject) peek() {
	kept := p.Key
	p.Scan()
	p.Key, p.shown = kept, p.Key
}

// place names where the person stands.
func (s scene) place(t *testing.T, p *subject) string {
	t.Helper()
	status := s.status(t, p.Person)
	if status.Replacing {
		return replacing
	}
	return string(status.State)
}

// action is something that may be tried at any place.
type action struct {
	name string
	try  func(*testing.T, scene, *subject) (auth.Renewed, error)
	to   map[string]string // from where to where; what is missing is refused
}

// table is the whole state table; what it does not list must not happen.
func table(rescuer *house.Person) []action {
	return []action{
		{"start", func(t *testing.T, s scene, p *subject) (auth.Renewed, error) {
			return s.Auth.StartSetup(t.Context(), p.Actor(), p.Proof())
		}, map[string]string{none: pending, pending: pending}},
		{"cancel", func(t *testing.T, s scene, p *subject) (auth.Renewed, error) {
			return auth.Renewed{}, s.Auth.CancelSetup(t.Context(), p.Actor())
		}, map[string]string{none: none, pending: none, enabled: enabled, replacing: enabled, disabled: disabled}},
		{"confirm", func(t *testing.T, s scene, p *subject) (auth.Renewed, error) {
			key := p.shown
			if key == nil {
				key = make([]byte, otp.SecretSize)
			}
			s.Clock.Advance(otp.Period)
			c, err := s.Auth.ConfirmSetup(t.Context(), p.Actor(), otp.Code(key, otp.Step(s.Clock.Now())))
			if err == nil {
				p.Key = p.shown
			}
			return c.Renewed, err
		}, map[string]string{pending: enabled, replacing: enabled}},
		{"disable", func(t *testing.T, s scene, p *subject) (auth.Renewed, error) {
			return s.Auth.DisableTwoFactor(t.Context(), p.Actor(), p.Proof())
		}, map[string]string{enabled: disabled, replacing: disabled}},
		{"enable", func(t *testing.T, s scene, p *subject) (auth.Renewed, error) {
			c, err := s.Auth.EnableTwoFactor(t.Context(), p.Actor(), p.Proof())
			return c.Renewed, err
		}, map[string]string{disabled: enabled}},
		{"delete", func(t *testing.T, s scene, p *subject) (auth.Renewed, error) {
			return s.Auth.DeleteSetup(t.Context(), p.Actor(), p.Proof())
		}, map[string]string{enabled: none, replacing: none, disabled: none}},
		{"replace", func(t *testing.T, s scene, p *subject) (auth.Renewed, error) {
			return s.Auth.StartReplacement(t.Context(), p.Actor(), p.Proof())
		}, map[string]string{enabled: replacing, replacing: replacing}},
		{"issue", func(t *testing.T, s scene, p *subject) (auth.Renewed, error) {
			c, err := s.Auth.IssueRecoveryCodes(t.Context(), p.Actor(), p.Proof())
			return c.Renewed, err
		}, map[string]string{enabled: enabled, replacing: replacing}},
		{"administrator deletes", func(t *testing.T, s scene, p *subject) (auth.Renewed, error) {
			id := p.Actor().UserID
			renewed, err := s.Admin.DeleteTwoFactor(t.Context(), rescuer.Actor(), id, "lost phone", password())
			rescuer.Renew(renewed)
			return auth.Renewed{}, err
		}, map[string]string{enabled: none, replacing: none, disabled: none}},
	}
}

// Every action from every place: the arrows of the table lead where they
// should, and every missing arrow is refused and changes nothing (OT-10).
func TestStateTable(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.User(t, s.acme, portal.RoleAdministrator, "rescuer")
		rescuer := s.Person(t, "rescuer")
		for i, a := range table(rescuer) {
			rescuer.SignIn()
			for j, from := range []string{none, pending, enabled, replacing, disabled} {
				p := s.bring(t, fmt.Sprintf("user%d.%d", i, j), from)
				s.try(t, a, p, from)
			}
		}
	})
}

func (s scene) try(t *testing.T, a action, p *subject, from string) {
	t.Helper()
	to, allowed := a.to[from]
	if !allowed {
		to = from
	}
	renewed, err := a.try(t, s, p)
	p.Renew(renewed)
	if allowed && err != nil {
		t.Errorf("%s from %s: %v", a.name, from, err)
	}
	if !allowed {
		refused(t, a.name+" from "+from, err, portal.CodeConflict)
	}
	if !p.Signed() { // an administrator's deed ends the sessions
		p.SignIn()
	}
	if got := s.place(t, p); got != to {
		t.Errorf("%s from %s leads to %s, want %s", a.name, from, got, to)
	}
	p.SignIn() // and what is left opens the account
}

// A double click, or two tabs: starting at once shows one key, and nobody
// sees an error.
func TestStartAtOnceShowsOneKey(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		wendy := s.person(t, "wendy")
		actor := wendy.Actor()
		house.AtOnce(8, func(int) {
			if _, err := s.Auth.StartSetup(t.Context(), actor, auth.Proof{}); err != nil {
				t.Error(err)
			}
		})
		wendy.Scan()
		first := string(wendy.Key)
		wendy.Scan()
		if string(wendy.Key) != first {
			t.Error("the key changes")
		}
	})
}

// Confirming at once with one code enables once, with one set of recovery
// codes; switching off at once does so once.
func TestConfirmAtOnce(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p := s.bring(t, "wendy", pending)
		p.Key = p.shown
		actor, code := p.Actor(), p.Code()
		sets := make([]auth.Confirmed, 16)
		house.AtOnce(len(sets), func(i int) {
			var err error
			if sets[i], err = s.Auth.ConfirmSetup(t.Context(), actor, code); portal.ErrorCode(err) == portal.CodeInternal && err != nil {
				t.Error(err)
			}
		})
		won := 0
		for _, set := range sets {
			if len(set.RecoveryCodes) > 0 {
				won++
				p.Renew(set.Renewed)
			}
		}
		if won != 1 || s.place(t, p) != enabled {
			t.Errorf("%d set-ups were confirmed, state %s", won, s.place(t, p))
		}
	})
}

// What happens to an account at once from several sides ends at a legal place,
// with legal answers only, and the person can still sign in.
func TestRacesEndAtALegalPlace(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		s.User(t, s.acme, portal.RoleAdministrator, "rescuer")
		for round := range 8 {
			rescuer := s.Person(t, "rescuer")
			p := s.bring(t, fmt.Sprint("wendy", round), enabled)
			actor, helper, half := p.Actor(), rescuer.Actor(), s.half(t, p.Login)
			proof := p.Proof()
			var errs [4]error
			house.AtOnce(4, func(i int) {
				switch i {
				case 0:
					_, errs[i] = s.Auth.DisableTwoFactor(t.Context(), actor, proof)
				case 1:
					_, errs[i] = s.Admin.DeleteTwoFactor(t.Context(), helper, actor.UserID, "lost", password())
				case 2:
					_, errs[i] = s.Auth.SignInWithCode(t.Context(), house.Origin(), half, proof.Code)
				case 3:
					_, errs[i] = s.Auth.IssueRecoveryCodes(t.Context(), actor, proof)
				}
			})
			for i, err := range errs {
				if code := portal.ErrorCode(err); err != nil && (code == portal.CodeInternal || code == portal.CodeUnavailable) {
					t.Errorf("round %d, deed %d: %v", round, i, err)
				}
			}
			p.SignIn()
		}
	})
}
