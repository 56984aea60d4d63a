package auth_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"portal"
	"portal/internal/auth"
	"portal/internal/otp"
	"portal/internal/testkit/house"
)

// enter takes both steps of signing in with a code as it was typed, in a browser
// that nobody knows.
func (s scene) enter(t *testing.T, login, code string) error {
	t.Helper()
	_, err := s.Auth.SignInWithCode(t.Context(), house.Origin(), s.half(t, login), code)
	return err
}

// enterAt is enter in the person's own browser.
func (s scene) enterAt(t *testing.T, p *house.Person, code string) error {
	t.Helper()
	_, err := s.Auth.SignInWithCode(t.Context(), p.Origin(), s.half(t, p.Login), code)
	return err
}

// Codes of one step to either side are accepted, further ones are not (OT-03).
func TestCodeWindow(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		for offset, ok := range map[int64]bool{-2: false, -1: true, 0: true, 1: true, 2: false} {
			p, _ := s.protected(t, "wendy"+strings.Repeat("x", int(offset+2)))
			s.Clock.Advance(5 * time.Minute)
			err := s.enter(t, p.Login, s.codeAt(p, offset))
			if ok && err != nil {
				t.Errorf("step %+d: %v", offset, err)
			}
			if !ok {
				refused(t, "far step", err, portal.CodeInvalid)
			}
		}
	})
}

// How a code may be typed (OT-05).
func TestCodeShapes(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, _ := s.protected(t, "wendy")
		for shape, ok := range map[string]bool{
			"aaabbb": true, "aaa bbb": true, " aaabbb\t": true, "aaa  bbb": false, "a aabbb": false,
			"wide": false, "aaa-bbb": false, "aaabbb0": false, "aaabb": false, "aaa\u00a0bbb": false,
		} {
			s.Clock.Advance(time.Hour)
			err := s.enter(t, "wendy", typed(p.Code(), shape))
			if ok && err != nil {
				t.Errorf("%q: %v", shape, err)
			}
			if !ok {
				refused(t, shape, err, portal.CodeInvalid)
			}
		}
	})
}

// typed writes a code in a shape: aaa and bbb stand for its halves, wide for
// full-width digits.
func typed(code, shape string) string {
	if shape == "wide" {
		return strings.Map(func(r rune) rune { return r - '0' + '０' }, code)
	}
	var typed []byte
	for i, next := 0, 0; i < len(shape); i++ {
		c := shape[i]
		if c == 'a' || c == 'b' {
			c, next = code[next], next+1
		}
		typed = append(typed, c)
	}
	return string(typed)
}

// What has no shape of a code is counted as a wrong one.
func TestMisshapenCodesAreCounted(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, _ := s.protected(t, "wendy")
		half := s.half(t, "wendy")
		for _, code := range []string{"１２３４５６", "123  456", "x", "1234567", "12345"} {
			_, err := s.Auth.SignInWithCode(t.Context(), house.Origin(), half, code)
			refused(t, code, err, portal.CodeInvalid)
		}
		_, err := s.Auth.SignInWithCode(t.Context(), house.Origin(), half, p.Code())
		refused(t, "sixth", err, portal.CodeSignIn)
	})
}

// The code that confirmed the set-up does not sign in next, nor does any code
// twice; the refusal says to wait and how long (OT-02). To a browser that has
// not used the code it is a wrong one like any other.
func TestSpentCode(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, _ := s.protected(t, "wendy")
		s.Clock.Advance(10 * time.Second) // 20 s are left of the step
		mustSayWait(t, s.enterAt(t, p, s.codeAt(p, 0)), "20 seconds")
		ahead := s.codeAt(p, 1)
		if err := s.enterAt(t, p, ahead); err != nil {
			t.Fatal(err)
		}
		mustSayWait(t, s.enterAt(t, p, ahead), "50 seconds")
		mustSayWait(t, s.enterAt(t, p, s.codeAt(p, 0)), "50 seconds") // older than the last one
		mustSay(t, s.enter(t, "wendy", ahead), "This code is not right")
		_, err := s.Auth.DeleteSetup(t.Context(), p.Actor(), auth.Proof{Password: house.Password, Code: ahead})
		if portal.ErrorCode(err) != portal.CodeProof {
			t.Errorf("a code of the sign-in is good for a step-up: %v", err)
		}
		mustSayWait(t, err, "50 seconds")
	})
}

// mustSay holds that an error says something.
func mustSay(t *testing.T, err error, want string) {
	t.Helper()
	var e *portal.Error
	if !errors.As(err, &e) || !strings.Contains(e.Message, want) {
		t.Errorf("got %v, want it to say %q", err, want)
	}
}

func mustSayWait(t *testing.T, err error, want string) {
	t.Helper()
	var e *portal.Error
	if !errors.As(err, &e) || !strings.Contains(e.Message, "used already") || !strings.Contains(e.Message, want) {
		t.Errorf("got %v, want to wait %s", err, want)
	}
}

// The memory of the last step survives switching off and on (OT-12).
func TestReplayMemorySurvives(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, _ := s.protected(t, "wendy")
		proof := p.Proof()
		p.Take(s.Auth.DisableTwoFactor(t.Context(), p.Actor(), proof))
		again, err := s.Auth.EnableTwoFactor(t.Context(), p.Actor(), proof)
		p.Renew(again.Renewed)
		mustSayWait(t, err, "30 seconds")
		proof = p.Proof()
		again, err = s.Auth.EnableTwoFactor(t.Context(), p.Actor(), proof)
		p.Take(again.Renewed, err)
		mustSayWait(t, s.enterAt(t, p, proof.Code), "30 seconds")
	})
}

// Switching on again needs the device: no recovery code, no password alone,
// no code of another key (OT-12).
func TestReenableNeedsTheDevice(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, recovery := s.protected(t, "wendy")
		p.Take(s.Auth.DisableTwoFactor(t.Context(), p.Actor(), p.Proof()))
		stranger, _ := s.protected(t, "stranger")
		for name, proof := range map[string]auth.Proof{
			"password alone": password(), "recovery code": {Password: house.Password, RecoveryCode: recovery[0]},
			"foreign code": {Password: house.Password, Code: stranger.Code()}, "no password": {Code: p.Code()},
		} {
			c, err := s.Auth.EnableTwoFactor(t.Context(), p.Actor(), proof)
			p.Renew(c.Renewed)
			refused(t, name, err, portal.CodeProof)
		}
		want(t, p, portal.TwoFactorDisabled)
	})
}

// While disabled the kept setup opens nothing and is asked for nowhere but at
// switching on (OT-11).
func TestDisabledNeedsPasswordOnly(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, _ := s.protected(t, "wendy")
		p.Take(s.Auth.DisableTwoFactor(t.Context(), p.Actor(), p.Proof()))
		earned, err := s.Auth.SignIn(t.Context(), house.Origin(), "wendy", house.Password)
		if err != nil || earned.Session == "" {
			t.Fatalf("%+v, %v", earned, err)
		}
		account, err := s.Auth.Account(t.Context(), p.Actor())
		if err != nil || account.RecoveryLeft != 0 {
			t.Errorf("%d recovery codes live on, %v", account.RecoveryLeft, err) // RC-05
		}
		p.Take(s.Auth.DeleteSetup(t.Context(), p.Actor(), password()))
		want(t, p, portal.TwoFactorNone)
	})
}

// A replacement swaps in one step: until then the old code works, from then on
// only the new one does. Its label and key differ (OT-07).
func TestReplacementSwaps(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p := s.bring(t, "wendy", enabled)
		before := s.shownURI(t, s.bring(t, "second", pending))
		p.Take(s.Auth.StartReplacement(t.Context(), p.Actor(), p.Proof()))
		p.peek()
		uri := s.shownURI(t, p)
		if !strings.Contains(uri, "wendy%20%282%29") || strings.Contains(before, "%282%29") {
			t.Errorf("labels: %s, then %s", before, uri)
		}
		p.SignIn() // by the old code; the browser with the set-up is another one
		p.Take(s.Auth.StartReplacement(t.Context(), p.Actor(), p.Proof()))
		p.peek()
		old := *p.Person
		oldKey := p.Key
		p.Key = p.shown
		confirmed, err := s.Auth.ConfirmSetup(t.Context(), p.Actor(), p.Code())
		p.Take(confirmed.Renewed, err)
		s.Clock.Advance(otp.Period)
		refused(t, "old code", s.enter(t, "wendy", otp.Code(oldKey, otp.Step(s.Clock.Now()))), portal.CodeInvalid)
		if old.Signed() {
			t.Error("the token before the swap works")
		}
		p.SignIn()
	})
}

func (s scene) shownURI(t *testing.T, p *subject) string {
	t.Helper()
	account, err := s.Auth.Account(t.Context(), p.Actor())
	if err != nil || account.Setup == nil {
		t.Fatalf("no set-up is shown: %v", err)
	}
	return account.Setup.URI
}

// Ten wrong codes an hour and thirty a day, whatever succeeds in between; the
// budget is the user's, over all half sessions (AU-06).
func TestCodeBudgets(t *testing.T) {
	onEach(t, func(t *testing.T, s scene) {
		p, _ := s.protected(t, "wendy")
		for hour := range 3 {
			for i := range 10 {
				if i == 4 {
					p.SignIn() // a success clears nothing
				}
				refused(t, "wrong", s.enter(t, "wendy", s.wrong(p)), portal.CodeInvalid)
			}
			if hour < 2 {
				refused(t, "eleventh", s.enter(t, "wendy", p.Code()), portal.CodeThrottled)
				s.Clock.Advance(time.Hour)
			}
		}
		_, err := s.Auth.SignIn(t.Context(), house.Origin(), "wendy", house.Password)
		mustSay(t, err, "Forgot your password") // after the thirtieth
	})
}
