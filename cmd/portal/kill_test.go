package main

import (
	"math/rand/v2"
	"net/http"
	"testing"
	"time"

	"portal"
)

// kills is how often the server is killed in the middle of things; make soak
// does it longer.
const kills, soakKills = 15, 100

// A server that is killed at a random moment of set-up, confirmation,
// disabling or deletion leaves a legal state each time, and the person can go on: sign
// in with what they hold, see one of the states, and reach every other one.
func TestKilledAtAnyMoment(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		s.Run("", "customer", "add", "Acme")
		wendy, db, times := s.join("Acme", "user", "wendy"), s.beneath(), kills
		if soaking() {
			times = soakKills
		}
		for range times {
			wendy.server, wendy.client = s, newClient(t, s.Base)
			wendy.signInAnyhow()
			wendy.liveUntilKilled(s)
			legal(t, db)
			s.Advance(time.Hour) // an attempt that a kill cut short stays charged
			s = s.installation.Serve()
		}
		wendy.server, wendy.client = s, newClient(t, s.Base)
		wendy.signInAnyhow()
		wendy.reachEveryState()
		wantEachChangeTold(t, s.installation)
		legal(t, db)
	})
}

// wantEachChangeTold holds that a kill has parted no change from its mail.
func wantEachChangeTold(t *testing.T, in *installation) {
	t.Helper()
	db := in.beneath()
	changes := number(t, db, "SELECT COUNT(*) FROM events WHERE outcome = 'done' AND action IN ($1, $2, $3, $4, $5)",
		portal.SetupConfirmed, portal.Replaced, portal.TwoFactorDisable, portal.TwoFactorEnable, portal.SetupDeleted)
	letters := number(t, db, "SELECT COUNT(*) FROM mails WHERE kind IN ($1, $2, $3, $4)",
		portal.MailFactorEnabled, portal.MailFactorReplaced, portal.MailFactorDisabled, portal.MailFactorDeleted)
	if changes == 0 || changes != letters {
		t.Errorf("%d changes, %d letters", changes, letters)
	}
}

// signInAnyhow signs in after a crash: whichever key the confirmed setup has,
// the phone has scanned it. A code is never owed without one that works.
func (p *person) signInAnyhow() {
	p.t.Helper()
	if p.enterPassword() == "/" {
		return
	}
	for i := len(p.secrets) - 1; i >= max(0, len(p.secrets)-2); i-- {
		p.server.Advance(30 * time.Second)
		if p.Post("/sign-in/code", "code", p.codeOf(p.secrets[i])).Status == http.StatusSeeOther {
			p.keep(p.secrets[i])
			return
		}
	}
	p.t.Fatal("after a kill the phone's codes do not open the account")
}

// liveUntilKilled walks from state to state until the server is gone.
func (p *person) liveUntilKilled(s *server) {
	p.t.Helper()
	killed := make(chan struct{})
	timer := time.AfterFunc(rand.N(400*time.Millisecond), func() { s.Kill(); close(killed) })
	defer timer.Stop()
	for p.oneStep() {
	}
	<-killed
}

// oneStep takes the next arrow of the state table; false means that the server
// no longer answers.
func (p *person) oneStep() bool {
	page, err := p.try(p.request(http.MethodGet, "/account", nil))
	if err != nil {
		return false
	}
	if key := typedKey(page.Body); key != "" {
		p.keep(key)
		return p.posts("/account/2fa/confirm", "code", p.code())
	}
	switch stateOn(page.Body) {
	case "none":
		return p.posts("/account/2fa/start", "password", p.password)
	case "kept":
		return p.posts("/account/2fa/enable", "password", p.password, "code", p.code())
	}
	away := []string{"/account/2fa/disable", "/account/2fa/delete", "/account/2fa/replace"}
	return p.posts(away[rand.N(len(away))], "password", p.password, "code", p.code())
}
