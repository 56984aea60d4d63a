package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"portal"
	"portal/internal/testkit"
)

// outcome is what an answer says of a deed.
type outcome int

const (
	done    outcome = iota // it was answered with success
	refused                // it was answered that it is not done, and why
	away                   // 503: nothing was changed
	unsure                 // 503 that says so, or no answer at all
)

// witness is somebody who uses the portal while it breaks, and holds it to what
// it has answered. What was answered with success has happened; what was
// refused has not; of anything else the witness finds out, and it has happened
// whole or not at all. Events tell whether it has, and pages and the next
// sign-in have to agree with them.
type witness struct {
	*person
	st       *stage
	state    string // of 2FA, as stateOn tells it
	signedIn bool
	since    time.Time // of the sign-in
	until    time.Time // how long to wait after too many tries
	told     map[portal.Action]int64
	step     int64 // of the last code that was sent
	accepted code  // the last one that was answered with success
	replayed time.Time
	wanted   int64
	diary    []string // of the last answers, for whoever reads a failure
}

// code is what an app showed, and when.
type code struct {
	text string
	step int64
}

func (st *stage) witness(role, login string) *witness {
	st.t.Helper()
	p := st.nodes[0].join("Acme", role, login)
	return &witness{person: p, st: st, state: "none", told: map[portal.Action]int64{portal.SignedIn: 0}}
}

// send sends a form to one of the nodes.
func (w *witness) send(path string, pairs ...string) (answer, outcome) {
	a, err := w.tryPost(w.st.node().Base+path, pairs...)
	return a, w.read(path, a, err)
}

// get asks one of the nodes for a page.
func (w *witness) get(path string) (answer, outcome) {
	a, err := w.try(w.request(http.MethodGet, w.st.node().Base+path, nil))
	return a, w.read(path, a, err)
}

// read sorts an answer, and holds that no fault shows in any other way than by
// a 503 that says when to come again.
func (w *witness) read(path string, a answer, err error) outcome {
	w.diary = append(w.diary, fmt.Sprintf("%s %d %s %v %s", path, a.Status, a.Location, err, a.Header.Get("X-Request-Id")))
	w.diary = w.diary[max(0, len(w.diary)-20):]
	var dial *net.OpError
	switch {
	case errors.As(err, &dial) && dial.Op == "dial":
		return away // nobody was there
	case err != nil:
		w.st.faults.Add(1)
		return unsure
	case a.Status == http.StatusServiceUnavailable:
		w.st.faults.Add(1)
		return w.unavailable(path, a)
	case a.Status == http.StatusTooManyRequests:
		w.until = w.st.now().Add(time.Minute)
		return refused
	case a.Status >= 500:
		w.t.Errorf("%s: %s answers %d\n%s", w.login, path, a.Status, visible(a.Body))
		return unsure
	case a.Status >= 400, a.Status == http.StatusSeeOther && slices.Contains([]string{"/sign-in", "/sign-in?notice=again"}, a.Location):
		return refused
	}
	return done
}

func (w *witness) unavailable(path string, a answer) outcome {
	text := visible(a.Body)
	if a.Header.Get("Retry-After") == "" {
		w.t.Errorf("%s: %s answers 503 without Retry-After", w.login, path)
	}
	switch {
	case strings.Contains(text, "may have been made or not"):
		return unsure
	case !strings.Contains(text, "Nothing was changed"):
		w.t.Errorf("%s: %s does not say whether anything was changed:\n%s", w.login, path, text)
	}
	return away
}

// deed does something that leaves an event of this action, and takes it for
// granted only where it was answered with success.
func (w *witness) deed(action portal.Action, then func(), path string, pairs ...string) outcome {
	_, o := w.send(path, pairs...)
	switch o {
	case done:
		w.told[action]++
		then()
	case unsure:
		w.doubt(action, then)
	}
	return o
}

// astray gives the session up, whose token may have changed, and goes to another
// browser.
func (w *witness) astray() { w.signedIn, w.client = false, newClient(w.t, w.base) }

// doubt finds out whether something of unsure outcome has happened.
func (w *witness) doubt(action portal.Action, then func()) {
	w.astray()
	switch n := w.st.settled(w.t, action, w.login) - w.told[action]; n {
	case 0:
	case 1:
		w.told[action]++
		then()
	default:
		trail := rowsOf(w.t, w.st.beneath(), "SELECT id, action, request_id FROM events WHERE actor_label = '"+w.login+"' ORDER BY id DESC LIMIT 30")
		w.t.Errorf("%s: of %q %d more stand in the trail than were answered with success, and one was under way\n%s\n%s", w.login, action, n, strings.Join(w.diary, "\n"), trail)
	}
}

// fresh is a code of a step that was not used yet, where there is one.
func (w *witness) fresh(secret string) (code, bool) {
	now := w.st.now()
	step := now.Unix() / 30
	if step <= w.step {
		return code{}, false
	}
	w.step = step
	return code{testkit.OathCode(w.t, secret, now), step}, true
}

func (w *witness) newest() string { return w.secrets[len(w.secrets)-1] }

// enter signs in. Nobody who has 2FA enabled comes in by the password alone,
// and the password and the codes that the answers promised are the right ones.
func (w *witness) enter() outcome {
	a, o := w.send("/sign-in", "login_id", w.login, "password", w.password)
	switch {
	case o == unsure:
		w.doubt(portal.SignedIn, func() {})
		return o
	case o == refused && a.Status != http.StatusTooManyRequests:
		w.t.Errorf("%s: the password that was answered with success is refused: %d\n%s", w.login, a.Status, visible(a.Body))
		return o
	case o != done:
		return o
	}
	if asked := a.Location == "/sign-in/code"; asked != (w.state == "enabled") {
		w.t.Errorf("%s: 2FA is %s, and the password leads to %q", w.login, w.state, a.Location)
	}
	if w.state != "enabled" {
		w.entered()
		return done
	}
	c, ok := w.fresh(w.newest())
	if !ok {
		return refused
	}
	a, o = w.send("/sign-in/code", "code", c.text)
	switch o {
	case done:
		w.accepted = c
		w.entered()
	case unsure:
		w.doubt(portal.SignedIn, func() { w.accepted = c })
	}
	return o
}

func (w *witness) entered() {
	w.told[portal.SignedIn]++
	w.signedIn, w.since = true, w.st.now()
}

// look holds the account page against what is known.
func (w *witness) look() outcome {
	a, o := w.get("/account")
	switch {
	case o == refused && a.Status == http.StatusSeeOther:
		w.t.Errorf("%s: the session that was answered with success is gone\n%s", w.login, strings.Join(w.diary, "\n"))
		w.signedIn = false
	case o == done && stateOn(a.Body) != w.state:
		w.t.Errorf("%s: 2FA should be %s:\n%s", w.login, w.state, visible(a.Body))
	}
	return o
}

// leave signs out. The session is over on every node.
func (w *witness) leave() outcome {
	old := w.cookie(sessionCookie)
	over := func() {
		w.signedIn = false
		thief := newClient(w.t, w.base)
		thief.useSession(old)
		a, err := thief.try(thief.request(http.MethodGet, w.st.node().Base+"/account", nil))
		if err == nil && a.Status == http.StatusOK {
			w.t.Errorf("%s: the session that was signed out still opens the account", w.login)
		}
	}
	return w.deed(portal.SignedOut, over, "/sign-out")
}

// enable starts a set-up and confirms it.
func (w *witness) enable() outcome {
	page, o := w.get("/account")
	if o == done && typedKey(page.Body) == "" {
		if _, o = w.send("/account/2fa/start", "password", w.password); o == done {
			page, o = w.get("/account")
		}
	}
	if o == unsure {
		w.astray()
	}
	key := typedKey(page.Body)
	if o != done || key == "" {
		return o
	}
	c, ok := w.fresh(key)
	if !ok {
		return refused
	}
	enabled := func() {
		w.keep(key)
		w.state, w.accepted = "enabled", c
	}
	return w.deed(portal.SetupConfirmed, enabled, "/account/2fa/confirm", "code", c.text)
}

// prove is a deed on the own account with password and, where one is asked for,
// a code.
func (w *witness) prove(action portal.Action, then func(), path string, pairs ...string) outcome {
	if action != portal.PasswordChanged {
		pairs = append(pairs, "password", w.password)
	}
	var c code
	if w.state == "enabled" || action == portal.TwoFactorEnable {
		var ok bool
		if c, ok = w.fresh(w.newest()); !ok {
			return refused
		}
		pairs = append(pairs, "code", c.text)
	}
	accepted := func() {
		if c.text != "" {
			w.accepted = c
		}
		then()
	}
	return w.deed(action, accepted, path, pairs...)
}

func (w *witness) disable() outcome {
	return w.prove(portal.TwoFactorDisable, func() { w.state = "kept" }, "/account/2fa/disable")
}

func (w *witness) reenable() outcome {
	return w.prove(portal.TwoFactorEnable, func() { w.state = "enabled" }, "/account/2fa/enable")
}

func (w *witness) remove() outcome {
	return w.prove(portal.SetupDeleted, func() { w.state = "none" }, "/account/2fa/delete")
}

func (w *witness) newPassword() outcome {
	next := fmt.Sprintf("one good long password %d", rand.Int64())
	return w.prove(portal.PasswordChanged, func() { w.password = next }, "/account/password", "current_password", w.password, "new_password", next)
}

// act does the next thing, whatever it is.
func (w *witness) act() outcome {
	if w.signedIn && w.st.now().Sub(w.since) > 6*time.Hour { // the portal ends old ones by itself
		return w.leave()
	}
	if !w.signedIn {
		return w.enter()
	}
	deeds := []func() outcome{w.look, w.look, w.leave, w.newPassword}
	switch w.state {
	case "none":
		deeds = append(deeds, w.enable, w.enable, w.enable)
	case "kept":
		deeds = append(deeds, w.reenable, w.reenable, w.remove)
	case "enabled":
		deeds = append(deeds, w.disable, w.disable, w.remove)
	}
	return deeds[rand.N(len(deeds))]()
}

// live acts until it is told to stop. Who is told to wait waits.
func (w *witness) live(stop <-chan struct{}, act func() outcome) {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		default:
		}
		if wanted := w.st.wanted.Load(); wanted != w.wanted {
			w.wanted = wanted
			w.replay()
			w.st.seen.Add(1)
		}
		if w.st.now().Before(w.until) || act() != done {
			<-ticker.C
		}
	}
}

// replay sends the last code that was accepted to each node once more, while it
// still is of its time: no node takes it.
func (w *witness) replay() {
	now := w.st.now()
	if w.state != "enabled" || now.Unix()/30-w.accepted.step > 1 || now.Sub(w.replayed) < 15*time.Minute {
		return
	}
	w.replayed = now
	thief := w.st.nodes[0].person(w.login)
	thief.password = w.password
	if a, err := thief.tryPost("/sign-in", "login_id", w.login, "password", w.password); err != nil || a.Location != "/sign-in/code" {
		return
	}
	for _, node := range w.st.nodes {
		a, err := thief.tryPost(node.Base+"/sign-in/code", "code", w.accepted.text)
		if err == nil && a.Status == http.StatusSeeOther && a.Location == "/" {
			w.t.Errorf("%s: the code of step %d was accepted twice", w.login, w.accepted.step)
		}
	}
	w.st.replays.Add(1)
}

// clerk is an administrator who adds users and deletes the 2FA setup of a
// patient, who sets it up again.
type clerk struct {
	*witness
	patient *witness
	path    string // of the patient's page
	added   int
}

func (st *stage) clerk() *clerk {
	st.t.Helper()
	d := &clerk{witness: st.witness("administrator", "ada"), patient: st.witness("user", "pat")}
	d.enter()
	d.path = userLink(st.t, d.Get("/administration/access?search=pat").want(st.t, 200).Body)
	return d
}

func (d *clerk) act() outcome {
	switch {
	case d.patient.state != "enabled" && !d.patient.signedIn:
		return d.patient.enter()
	case d.patient.state != "enabled":
		return d.patient.enable()
	case !d.signedIn:
		return d.enter()
	case d.st.now().Sub(d.since) > 6*time.Hour:
		return d.leave()
	case rand.N(2) == 0:
		return d.add()
	}
	return d.removeOther()
}

func (d *clerk) removeOther() outcome {
	return d.prove(portal.SetupDeleted, func() { d.patient.state, d.patient.signedIn = "none", false }, d.path+"/delete-2fa", "reason", "lost phone")
}

// add adds a user; where that was left open, it is tried again, and whoever is
// there already is not added twice.
func (d *clerk) add() outcome {
	login := fmt.Sprintf("new.%d", d.added)
	form := []string{"login_id", login, "name", "New", "email", "new@acme.example", "role", "user"}
	before := d.added
	o := d.prove(portal.UserAdded, func() { d.added++ }, "/administration/access/add", form...)
	if o == unsure && d.added > before && d.enter() == done {
		if a, o := d.send("/administration/access/add", append(form, "password", d.password)...); o == done && !strings.HasSuffix(a.Location, "?notice=just-added") {
			d.t.Errorf("%s was added twice", login)
		}
	}
	return o
}

func (d *clerk) all() []*witness { return []*witness{d.witness, d.patient} }
