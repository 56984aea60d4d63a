package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"portal"
	"portal/internal/auth"
)

// Level is what a visitor must have proven to reach a route. The zero Level is
// none, and a route with it does not start.
type Level string

// The levels without a session.
const (
	// Open routes are for everybody.
	Open Level = "open"
	// HalfSession routes are for who has proven the password and owes the
	// second factor.
	HalfSession Level = "half session"

	sessionPrefix = "session: "
)

// Session is the level of routes for who is signed in and holds the right.
// Everybody else who is signed in learns no more than "not found".
func Session(right portal.Right) Level { return Level(sessionPrefix + string(right)) }

// Right returns what a level of Session asks for.
func (l Level) Right() (portal.Right, bool) {
	right, ok := strings.CutPrefix(string(l), sessionPrefix)
	return portal.Right(right), ok && right != ""
}

func (l Level) valid() bool {
	_, session := l.Right()
	return l == Open || l == HalfSession || session
}

// Route is one line of the table: what is asked, who may ask, who answers.
type Route struct {
	Method  string
	Pattern string
	Level   Level
	handle  handler
}

// handler answers one visit or returns why it cannot.
type handler func(*site, *visit) error

// Routes is the table of everything that can be asked of the portal.
func Routes() []Route {
	return slices.Concat(openRoutes(), signInRoutes(), accountRoutes(), administrationRoutes())
}

func openRoutes() []Route {
	return []Route{
		{"GET", "/healthz", Open, (*site).health},
		{"GET", "/readyz", Open, (*site).readiness},
		{"GET", "/static/{file}", Open, (*site).static},
		{"GET", "/link/{token}", Open, (*site).followLink},
		{"GET", "/alarm/{token}", Open, (*site).followAlarm},
		{"GET", "/alarm", Open, (*site).showAlarm},
		{"POST", "/alarm", Open, (*site).freeze},
		{"GET", "/alarm/frozen", Open, (*site).showFrozen},
		{"GET", "/set-up", Open, (*site).showSetUp},
		{"POST", "/set-up", Open, (*site).setUp},
		{"GET", "/invitation", Open, (*site).showInvitation},
		{"POST", "/invitation", Open, (*site).acceptInvitation},
		{"GET", "/reset-password", Open, (*site).showReset},
		{"POST", "/reset-password", Open, (*site).resetPassword},
		{"GET", "/confirm-address", Open, (*site).showConfirmAddress},
		{"POST", "/confirm-address", Open, (*site).confirmAddress},
	}
}

func signInRoutes() []Route {
	return []Route{
		{"GET", "/sign-in", Open, (*site).showSignIn},
		{"POST", "/sign-in", Open, (*site).signIn},
		{"GET", "/forgot-password", Open, (*site).showForgot},
		{"POST", "/forgot-password", Open, (*site).askReset},
		{"GET", "/forgot-password/sent", Open, (*site).showForgotSent},
		{"GET", "/sign-in/code", HalfSession, (*site).showCode},
		{"POST", "/sign-in/code", HalfSession, (*site).signInWithCode},
		{"GET", "/sign-in/recovery-code", HalfSession, (*site).showRecoveryCode},
		{"POST", "/sign-in/recovery-code", HalfSession, (*site).signInWithRecoveryCode},
		{"GET", "/sign-in/lost-phone", HalfSession, (*site).showLostPhone},
		{"POST", "/sign-in/lost-phone", HalfSession, (*site).askHelp},
		{"POST", "/sign-in/cancel", HalfSession, (*site).cancelSignIn},
		{"POST", "/sign-out", Session(portal.SignOut), (*site).signOut},
	}
}

func accountRoutes() []Route {
	own, enrol := Session(portal.UseAccount), Session(portal.Enrol)
	routes := []Route{
		{"GET", "/{$}", own, (*site).showHome},
		{"GET", "/account", enrol, (*site).showAccount},
		{"POST", "/account/2fa/cancel", enrol, (*site).cancelSetup},
		{"GET", "/account/2fa/confirm", enrol, (*site).toAccount},
		{"POST", "/account/2fa/confirm", enrol, (*site).confirmSetup},
		{"POST", "/account/recovery-codes/download", own, (*site).downloadCodes},
		{"GET", "/account/password", Session(portal.RenewPassword), (*site).showPassword},
		{"POST", "/account/password", Session(portal.RenewPassword), (*site).changePassword},
		{"POST", "/account/email/give-up", own, giveAddressUp(auth.FirstAddress)},
		{"POST", "/account/second-email/give-up", own, giveAddressUp(auth.SecondAddress)},
	}
	return slices.Concat(routes,
		stepUp("/account/2fa/start", enrol, startSetup()),
		stepUp("/account/2fa/disable", own, disableTwoFactor()),
		stepUp("/account/2fa/enable", enrol, enableTwoFactor()),
		stepUp("/account/2fa/delete", enrol, deleteSetup()),
		stepUp("/account/2fa/replace", own, replaceAuthenticator()),
		stepUp("/account/recovery-codes", own, newRecoveryCodes()),
		stepUp("/account/email", own, changeAddress()),
		stepUp("/account/second-email", own, changeSecondAddress()),
		stepUp("/account/second-email/remove", own, removeSecondAddress()),
		stepUp("/account/sessions/{id}/end", own, endSession()),
		stepUp("/account/sessions/end-others", own, endOtherSessions()),
	)
}

func administrationRoutes() []Route {
	const user = "/administration/access/{id}"
	routes := []Route{
		{"GET", "/administration/access", Session(portal.SeeUsers), (*site).showAccess},
		{"GET", "/administration/access/add", Session(portal.AddUsers), (*site).showAddUser},
		{"POST", "/administration/access/add", Session(portal.AddUsers), (*site).addUser},
		{"GET", user, Session(portal.SeeUsers), (*site).showUser},
		{"POST", user, Session(portal.EditUsers), (*site).editUser},
		{"GET", user + "/invite", Session(portal.AddUsers), (*site).askInvite},
		{"POST", user + "/invite", Session(portal.AddUsers), (*site).invite},
		{"POST", user + "/dismiss-help", Session(portal.HelpUsers), (*site).dismissHelp},
		{"GET", "/administration/audit", Session(portal.ReadAudit), (*site).showAudit},
		{"POST", "/administration/audit/export", Session(portal.ReadAudit), (*site).exportAudit},
		{"GET", policyPath, Session(portal.SetPolicy), (*site).showPolicy},
		{"GET", policyPath + "/set", Session(portal.SetPolicy), (*site).askPolicy},
		{"POST", policyPath + "/set", Session(portal.SetPolicy), (*site).setPolicy},
	}
	return slices.Concat(routes,
		stepUp(user+"/withdraw", Session(portal.AddUsers), withdrawInvitation()),
		stepUp(user+"/suspend", Session(portal.SuspendUsers), suspendUser()),
		stepUp(user+"/reactivate", Session(portal.SuspendUsers), reactivateUser()),
		stepUp(user+"/thaw", Session(portal.SuspendUsers), thawUser()),
		stepUp(user+"/end-sessions", Session(portal.EndUserSessions), endUserSessions()),
		stepUp(user+"/demand-password", Session(portal.DemandPassword), demandPassword()),
		stepUp(user+"/delete-2fa", Session(portal.DeleteUser2FA), deleteUserTwoFactor()),
	)
}

// stepUp is the page that asks before a deed, and the deed.
func stepUp(pattern string, level Level, d deed) []Route {
	return []Route{
		{"GET", pattern, level, func(s *site, v *visit) error { return s.ask(v, d) }},
		{"POST", pattern, level, func(s *site, v *visit) error { return s.act(v, d) }},
	}
}

// register fills the mux. A route that does not say who may reach it is
// refused (AZ-02).
func (s *site) register(routes []Route) error {
	for _, route := range routes {
		if !route.Level.valid() {
			return fmt.Errorf("web: %s %s does not say who may reach it", route.Method, route.Pattern)
		}
		counted := s.meter.Route(route.Method, route.Pattern)
		s.mux.HandleFunc(route.Method+" "+route.Pattern, func(w http.ResponseWriter, r *http.Request) {
			v := newVisit(w, r)
			v.trace.pattern, v.trace.counted = route.Pattern, counted
			if err := s.serve(v, route); err != nil {
				s.fail(v, err)
			}
		})
	}
	return nil
}

// serve lets a visit in, reads what it brings, and has it answered.
func (s *site) serve(v *visit, route Route) error {
	v.known = s.cookies.get(v.r, browserCookie)
	unsafe := route.Method != http.MethodGet
	if unsafe {
		if err := s.place.sameOrigin(v.r); err != nil {
			return err
		}
	}
	if err := s.admit(v, route.Level); err != nil {
		return err
	}
	if err := v.read(unsafe); err != nil {
		return err
	}
	return route.handle(s, v)
}

// admit finds out who is there and whether that is enough for the level.
func (s *site) admit(v *visit, level Level) error {
	if level == Open {
		return nil
	}
	if level == HalfSession {
		v.half = s.cookies.get(v.r, halfCookie)
		return s.halfSession(v)
	}
	if err := s.session(v); err != nil {
		return err
	}
	right, _ := level.Right()
	return v.actor.Can(right)
}

// session finds out whose session a visit brings. A cookie that opens nothing
// is left alone: it may be the older of two requests that were under way at
// once, and the browser holds the newer token by now.
func (s *site) session(v *visit) error {
	actor, err := s.auth.Authenticate(v.ctx(), v.origin(), s.cookies.get(v.r, sessionCookie))
	if err != nil {
		return err
	}
	v.enter(actor)
	return nil
}

// halfSession checks the half session of a visit. One that has ended leads
// back to the beginning, with a word about why.
func (s *site) halfSession(v *visit) error {
	if v.half == "" {
		return portal.SignInFirst()
	}
	err := s.auth.HalfSession(v.ctx(), v.half)
	if portal.ErrorCode(err) == portal.CodeSignIn {
		v.trace.err = err
		s.cookies.remove(v.w, halfCookie)
		return elsewhere("/sign-in?notice=again")
	}
	return err
}

// unlessHeld answers for everything while the data is not to be served. What
// is no data is: the health pages, and what the error page looks like.
func (s *site) unlessHeld(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := s.held()
		if err == nil || isHealth(r.URL.Path) || strings.HasPrefix(r.URL.Path, "/static/") {
			next.ServeHTTP(w, r)
			return
		}
		s.fail(newVisit(w, r), portal.Closed(err))
	})
}

// route hands a request to its handler; what no route wants is answered here.
func (s *site) route(w http.ResponseWriter, r *http.Request) {
	if err := checkURL(r.URL); err != nil {
		s.fail(newVisit(w, r), err)
		return
	}
	answer, pattern := s.mux.Handler(r)
	if pattern != "" {
		s.mux.ServeHTTP(w, r)
		return
	}
	p := probe{header: http.Header{}}
	answer.ServeHTTP(&p, r)
	if p.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", p.header.Get("Allow"))
		s.fail(newVisit(w, r), refusal{http.StatusMethodNotAllowed, "This page cannot be asked in this way."})
		return
	}
	s.fail(newVisit(w, r), portal.NotFound())
}

// probe learns what the mux would answer where it has no route.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }
func (p *probe) WriteHeader(status int)      { p.status = status }
