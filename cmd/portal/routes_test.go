package main

import (
	"cmp"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"portal"
	"portal/internal/web"
)

// Every route, asked by everybody. The routes come from the portal's own
// table, so that a new one cannot be forgotten; what each may answer follows
// from its level alone.
func TestEveryRouteForEverybody(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		town := newTown(t, s)
		for _, visitor := range town.visitors() {
			for _, route := range leavingLast(web.Routes()) {
				path := town.path(route.Pattern)
				answer := visitor.ask(route.Method, path)
				if fault := visitor.fault(route, answer); fault != "" {
					t.Errorf("%s %s as %s: %s (%d → %q)", route.Method, path, visitor.who, fault, answer.Status, answer.Location)
				}
			}
		}
	})
}

// A foreign user and one that does not exist answer alike, byte for byte.
func TestForeignUserIsLikeAMissingOne(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, s *server) {
		town := newTown(t, s)
		rival := town.rival
		for _, route := range web.Routes() {
			if !strings.Contains(route.Pattern, "/administration/access/{id}") {
				continue
			}
			foreign := rival.ask(route.Method, town.path(route.Pattern))
			missing := rival.ask(route.Method, strings.ReplaceAll(route.Pattern, "{id}", "01900000-0000-7000-8000-000000000000"))
			if foreign.Status != http.StatusNotFound || foreign.Body != missing.Body {
				t.Errorf("%s %s: %d and %d, or the pages differ", route.Method, route.Pattern, foreign.Status, missing.Status)
			}
		}
	})
}

// town is a portal with two customers and somebody of every kind.
type town struct {
	t      *testing.T
	server *server
	target string // id of a user of Acme
	admin  visitor
	rival  visitor // administrator of another customer
}

// visitor is somebody at the door.
type visitor struct {
	*person
	who     string
	role    portal.Role // empty: not signed in
	half    bool
	foreign bool // of another customer than the users whom paths name
}

func newTown(t *testing.T, s *server) *town {
	t.Helper()
	for _, customer := range []string{"Acme", "Rival"} {
		s.Run("", "customer", "add", customer)
	}
	town := &town{t: t, server: s}
	town.admin = town.settle("administrator", "Acme", portal.RoleAdministrator, "ada")
	town.rival = town.settle("administrator of another customer", "Rival", portal.RoleAdministrator, "rob")
	town.rival.foreign = true
	s.join("Acme", "user", "tess")
	list := town.admin.Get("/administration/access?search=tess").want(t, 200).Body
	town.target = strings.TrimPrefix(userLink(t, list), "/administration/access/")
	return town
}

// userLink finds the path of the one user whom a list shows.
func userLink(t testing.TB, list string) string {
	t.Helper()
	found := regexp.MustCompile(`/administration/access/[0-9a-f-]{36}`).FindString(list)
	if found == "" {
		t.Fatalf("the list shows no user:\n%s", list)
	}
	return found
}

// settle adds somebody who is signed in.
func (town *town) settle(who, customer string, role portal.Role, login string) visitor {
	p := town.server.join(customer, string(role), login)
	p.signIn()
	return visitor{person: p, who: who, role: role}
}

func (town *town) visitors() []visitor {
	town.t.Helper()
	uma := town.settle("half session", "Acme", portal.RoleUser, "hal")
	uma.enable()
	half := visitor{person: town.server.person("hal"), who: "half session", half: true}
	if step := half.enterPassword(); step != "/sign-in/code" {
		town.t.Fatalf("the half session leads to %s", step)
	}
	return []visitor{
		{person: town.server.person("nobody"), who: "stranger"}, half,
		town.settle("user", "Acme", portal.RoleUser, "uli"), town.admin, town.rival,
		town.settle("operator", "", portal.RoleOperator, "otto"),
	}
}

// path fills a pattern with names that exist.
func (town *town) path(pattern string) string {
	return strings.NewReplacer("{$}", "", "{id}", town.target, "{token}", strings.Repeat("x", 43), "{file}", "none.css").Replace(pattern)
}

// ask asks as a browser does; a POST brings an empty form.
func (v visitor) ask(method, path string) answer {
	v.t.Helper()
	if method == http.MethodPost {
		return v.Post(path)
	}
	return v.Get(path)
}

// fault says what is wrong with an answer, given the level of its route.
func (v visitor) fault(route web.Route, a answer) string {
	level := route.Level
	namesUser := strings.HasPrefix(route.Pattern, "/administration/access/{id}")
	toSignIn := a.Status == http.StatusSeeOther && strings.HasPrefix(a.Location, "/sign-in")
	switch {
	case route.Pattern == "/readyz": // the test has moved this node's clock, and PostgreSQL keeps its own
		return ""
	case a.Status >= 500:
		return "a fault of the server"
	case level == web.Open:
		return ""
	case level == web.HalfSession && v.half:
		return unless(a.Status < 400 || a.Status == http.StatusUnprocessableEntity, "the half session is turned away")
	case level == web.HalfSession, v.role == "":
		return unless(toSignIn, "not led to the sign-in page")
	case !v.may(level), v.foreign && namesUser:
		return unless(a.Status == http.StatusNotFound, "not answered as missing")
	}
	return unless(!toSignIn || strings.HasPrefix(a.Location, "/sign-in?notice="), "led away though it is allowed")
}

func unless(good bool, fault string) string {
	if good {
		return ""
	}
	return fault
}

// may asks the permission table of the vocabulary.
func (v visitor) may(level web.Level) bool {
	right, ok := level.Right()
	return ok && portal.Actor{Kind: portal.ActorUser, Role: v.role}.Holds(right)
}

// leavingLast puts the routes that end a visit at the end.
func leavingLast(routes []web.Route) []web.Route {
	leaves := func(r web.Route) int {
		if r.Pattern == "/sign-out" || r.Pattern == "/sign-in/cancel" {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(routes, func(a, b web.Route) int { return cmp.Compare(leaves(a), leaves(b)) })
	return routes
}
