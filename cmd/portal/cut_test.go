package main

import (
	"net/url"
	"testing"
	"time"

	"portal"
	"portal/internal/testkit"
)

// The connection is cut at each COMMIT of each deed that leaves an event, just
// before it reaches the server and just after the server has done it. The
// answer is never a false success, it says that it is not known what has
// happened, and a deed that was done is not done again by trying again.
func TestCutAtCommit(t *testing.T) {
	t.Parallel()
	database, err := url.Parse(testkit.Postgres(t))
	must(t, err)
	direct := database.String()
	wire := testkit.NewWire(t, database.Host)
	database.Host = wire.Address()
	st := newStage(t, 1, database.String())
	st.use(st.openAt(direct))
	d := st.clerk()
	w := d.patient
	cuts := 0
	for _, deed := range []struct {
		name     string
		state    string // that the patient is in before
		signedIn bool
		do       func() outcome
	}{
		{"sign-in by password", "none", false, w.enter},
		{"enable", "none", true, w.enable},
		{"change of password", "none", true, w.newPassword},
		{"sign-in with code", "enabled", false, w.enter},
		{"sign-out", "enabled", true, w.leave},
		{"disable", "enabled", true, w.disable},
		{"enable again", "kept", true, w.reenable},
		{"delete", "enabled", true, w.remove},
		{"add user", "enabled", false, d.add},
		{"deletion by an administrator", "enabled", false, d.removeOther},
	} {
		for _, after := range []bool{false, true} {
			for nth, cut := 1, true; cut; nth++ {
				d.prepare(deed.state, deed.signedIn)
				wire.Arm(testkit.Cut{Text: "INSERT INTO events", Nth: nth, After: after})
				o := deed.do()
				cut = wire.Disarm()
				switch {
				case cut && o != unsure:
					t.Errorf("%s: outcome %d, and the wire was cut at COMMIT %d (after it: %t)", deed.name, o, nth, after)
				case cut:
					cuts++
				case o != done || nth == 1:
					t.Errorf("%s: outcome %d, and nothing was cut at COMMIT %d", deed.name, o, nth)
				}
			}
		}
	}
	t.Logf("%d cuts", cuts)
	(&visitors{st: st, clerk: d}).verify()
}

// prepare brings the patient into a state, hours later; the administrator has
// signed in.
func (d *clerk) prepare(state string, signedIn bool) {
	d.t.Helper()
	d.st.advance(2 * time.Hour) // no budget is used up
	for _, w := range d.all() {
		w.signedIn, w.client, w.until = false, newClient(w.t, w.base), time.Time{}
	}
	if state == "enabled" && !signedIn { // as the administrator's deeds want it
		must(d.t, d.reach("none", true))
	}
	must(d.t, d.patient.reach(state, signedIn))
	d.st.advance(6 * time.Minute) // the sign-in is no fresh proof any more
}

// reach acts until the witness is in a state.
func (w *witness) reach(state string, signedIn bool) error {
	for range 20 {
		w.st.advance(30 * time.Second)
		switch {
		case w.state == state && w.signedIn == signedIn:
			return nil
		case w.state == state && w.signedIn:
			w.leave()
		case !w.signedIn:
			w.enter()
		case w.state == "none":
			w.enable()
		case w.state == "kept" && state == "enabled":
			w.reenable()
		case w.state == "enabled" && state == "kept":
			w.disable()
		default:
			w.remove()
		}
	}
	return portal.Conflict("%s does not come from %s to %s (signed in: %t)", w.login, w.state, state, signedIn)
}
