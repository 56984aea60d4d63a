package main

import (
	"bufio"
	"context"
	"database/sql"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"portal/internal/testkit"
)

// watched is a portal whose metrics are answered.
type watched struct {
	*server
	metrics string // where
}

// watch serves the portal with its metrics.
func (in *installation) watch(args ...string) watched {
	in.t.Helper()
	address := freeAddress(in.t)
	return watched{in.Serve(append([]string{"--metrics-listen", address}, args...)...), "http://" + address}
}

// scrape fetches the metrics as Prometheus does.
func (w watched) scrape() string {
	w.t.Helper()
	// The test's own context would do, but for clean-ups that look once more.
	r, err := http.NewRequestWithContext(context.Background(), http.MethodGet, w.metrics+"/metrics", nil)
	must(w.t, err)
	response, err := http.DefaultClient.Do(r)
	must(w.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	must(w.t, err)
	if response.StatusCode != http.StatusOK {
		w.t.Fatalf("a scrape is answered with %d\n%s", response.StatusCode, text)
	}
	return string(text)
}

// series reads a scrape: each series by its name and labels.
func series(t testing.TB, scrape string) map[string]float64 {
	t.Helper()
	all := map[string]float64{}
	for lines := bufio.NewScanner(strings.NewReader(scrape)); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			continue
		}
		cut := strings.LastIndexByte(line, ' ')
		value, err := strconv.ParseFloat(line[cut+1:], 64)
		must(t, err)
		all[line[:cut]] = value
	}
	return all
}

// settled is a scrape with nothing under way: a request is counted a moment
// after its answer has come.
func (w watched) settled() (text string) {
	w.t.Helper()
	until(w.t, "no request is under way", func() bool {
		text = w.scrape()
		return series(w.t, text)["portal_http_requests_in_flight"] == 0
	})
	return text
}

// now is what the metrics say.
func (w watched) now() map[string]float64 {
	w.t.Helper()
	return series(w.t, w.settled())
}

// grown are the series of a family that have grown, and by how much.
func grown(before, after map[string]float64, family string) map[string]float64 {
	all := map[string]float64{}
	for name, value := range after {
		if strings.HasPrefix(name, family+"{") && value != before[name] {
			all[strings.TrimPrefix(name, family)] = value - before[name]
		}
	}
	return all
}

// wants ends in an error where a family has not grown by exactly this.
func wants(t *testing.T, before, after map[string]float64, family string, want map[string]float64) {
	t.Helper()
	if got := grown(before, after, family); !maps.Equal(got, want) {
		t.Errorf("%s grew by\n%v, want\n%v", family, got, want)
	}
}

// onBothWatched is onBoth with metrics.
func onBothWatched(t *testing.T, test func(*testing.T, watched)) {
	t.Helper()
	installedOnBoth(t, func(t *testing.T, in *installation) {
		test(t, in.watch())
	})
}

// A series of sign-ins is counted to the last one, by outcome; what was
// counted names nobody.
func TestMetricsCountSignIns(t *testing.T) {
	t.Parallel()
	onBothWatched(t, func(t *testing.T, w watched) {
		w.Run("", "customer", "add", "Zwiebelwerk")
		quirin, xanthe := w.join("Zwiebelwerk", "user", "quirin"), w.join("Zwiebelwerk", "administrator", "xanthe")
		xanthe.signIn()
		codes := xanthe.enable()
		before := w.now()

		quirin.signIn()
		w.person("quirin").guess(5)
		w.person("quirin").Post("/sign-in", "login_id", "quirin", "password", goodPassword).want(t, http.StatusTooManyRequests)
		w.person("nobody.at.all").guess(1)
		again := w.person("xanthe")
		again.enterPassword()
		again.Post("/sign-in/code", "code", "000000").want(t, http.StatusUnprocessableEntity)
		again.Post("/sign-in/code", "code", xanthe.code()).wantRedirect(t, "/")
		rescued := w.person("xanthe")
		rescued.enterPassword()
		rescued.Post("/sign-in/recovery-code", "recovery_code", codes[0]).wantRedirect(t, "/")
		w.person("xanthe").Get("/static/none.css?quirin=zwiebelwerk").want(t, http.StatusNotFound)
		w.person("xanthe").Get("/zwiebelwerk/quirin").want(t, http.StatusNotFound)

		text := w.settled()
		after := series(t, text)
		wants(t, before, after, "portal_sign_in_steps_total", map[string]float64{
			`{outcome="signed_in",step="password"}`: 1, `{outcome="refused",step="password"}`: 6, `{outcome="throttled",step="password"}`: 1,
			`{outcome="second_step_asked",step="password"}`: 2, `{outcome="refused",step="code"}`: 1, `{outcome="signed_in",step="code"}`: 1,
			`{outcome="signed_in",step="recovery_code"}`: 1,
		})
		wants(t, before, after, "portal_throttled_total", map[string]float64{`{budget="password"}`: 1})
		wants(t, before, after, "portal_http_requests_total", map[string]float64{
			`{method="POST",route="/sign-in",status="3xx"}`: 3, `{method="POST",route="/sign-in",status="4xx"}`: 7,
			`{method="POST",route="/sign-in/code",status="3xx"}`: 1, `{method="POST",route="/sign-in/code",status="4xx"}`: 1,
			`{method="POST",route="/sign-in/recovery-code",status="3xx"}`: 1,
			`{method="GET",route="/static/{file}",status="4xx"}`:          1, `{method="any",route="none",status="4xx"}`: 1,
		})
		if got := after["portal_password_hash_duration_seconds_count"] - before["portal_password_hash_duration_seconds_count"]; got != 9 {
			t.Errorf("%v password hashes, want 9", got)
		}
		for name, want := range map[string]float64{`portal_users{twofa="enabled"}`: 1, `portal_users{twofa="none"}`: 1, "portal_database_up": 1} {
			if after[name] != want {
				t.Errorf("%s is %v, want %v", name, after[name], want)
			}
		}
		namesNobody(t, w, text)
	})
}

// namesNobody searches a scrape for whoever has used the portal.
func namesNobody(t *testing.T, w watched, scrape string) {
	t.Helper()
	names := []string{"quirin", "xanthe", "zwiebelwerk", "nobody.at.all", "@", "example.com", "127.0.0.1"}
	db := w.beneath()
	for _, query := range []string{"SELECT id FROM users", "SELECT id FROM customers WHERE id <> 'installation'", "SELECT id FROM sessions", "SELECT request_id FROM events WHERE request_id <> ''"} {
		rows, err := db.QueryContext(t.Context(), query)
		must(t, err)
		for rows.Next() {
			var id string
			must(t, rows.Scan(&id))
			names = append(names, strings.ToLower(id))
		}
		must(t, rows.Err())
	}
	scrape = strings.ToLower(scrape)
	if i := slices.IndexFunc(names, func(name string) bool { return strings.Contains(scrape, name) }); i >= 0 {
		t.Errorf("the metrics name %q", names[i])
	}
}

// The metrics' address answers GET /metrics and nothing else; the portal's
// own address does not know them (AP-09).
func TestMetricsHaveAnAddressOfTheirOwn(t *testing.T) {
	t.Parallel()
	w := install(t).watch()
	other := newClient(t, w.metrics)
	for _, path := range []string{"/", "/metrics/", "/metrics/x", "/debug/pprof/", "/sign-in", "/healthz", "/readyz"} {
		if a := other.Get(path); a.Status != http.StatusNotFound {
			t.Errorf("%s on the metrics' address is answered with %d", path, a.Status)
		}
	}
	other.Post("/metrics").want(t, http.StatusMethodNotAllowed)
	long := other.request(http.MethodGet, "/metrics", nil)
	long.Header.Set("X-Long", strings.Repeat("x", 16<<10))
	other.do(long).want(t, http.StatusRequestHeaderFieldsTooLarge)
	newClient(t, w.Base).Get("/metrics").want(t, http.StatusNotFound)

	for says, args := range map[string][]string{
		"an address of their own": {"--metrics-listen", "127.0.0.1:8099", "--listen", "127.0.0.1:8099"},
		"listens on :8099":        {"--metrics-listen", "localhost:8099", "--listen", ":8099"},
		"is no address":           {"--metrics-listen", "9464"},
		"cannot listen on":        {"--metrics-listen", w.listen, "--listen", "127.0.0.1:0"},
	} {
		_, errors, code := install(t).Try("", append([]string{"serve"}, args...)...)
		if code == 0 || !strings.Contains(errors, says) {
			t.Errorf("%v: exit %d, %q; want %q", args, code, errors, says)
		}
	}
}

// While the database is down a scrape is answered with what is known, and
// afterwards with the rest again.
func TestMetricsWhileTheDatabaseIsDown(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.Database = testkit.Postgres(t)
	w := in.watch()
	w.Run("", "customer", "add", "Acme")
	w.join("Acme", "user", "wendy").signIn()
	w.Advance(time.Minute)
	const signIns, users = `portal_sign_in_steps_total{outcome="signed_in",step="password"}`, `portal_users{twofa="none"}`
	if now := w.now(); now["portal_database_up"] != 1 || now[signIns] != 1 || now[users] != 1 {
		t.Errorf("before the outage: %v", now)
	}
	mend := w.shutOut()
	w.Advance(-time.Minute)
	now := w.now()
	if _, told := now[users]; now["portal_database_up"] != 0 || now["portal_ready"] != 0 || now[signIns] != 1 || told {
		t.Errorf("in the outage: %v", now)
	}
	mend()
	until(t, "the metrics are whole again", func() bool {
		now := w.now()
		return now["portal_database_up"] == 1 && now["portal_ready"] == 1 && now[users] == 1
	})
}

// shutOut has the test server turn the portal away, until mended.
func (in *installation) shutOut() (mend func()) {
	in.t.Helper()
	address, err := url.Parse(in.Database)
	must(in.t, err)
	name := strings.TrimPrefix(address.Path, "/")
	address.Path = "/postgres"
	db, err := sql.Open("pgx", address.String())
	must(in.t, err)
	in.t.Cleanup(func() { db.Close() })
	change(in.t, db, "ALTER DATABASE "+name+" ALLOW_CONNECTIONS false")
	_, err = db.ExecContext(in.t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
	must(in.t, err)
	return func() { change(in.t, db, "ALTER DATABASE "+name+" ALLOW_CONNECTIONS true") }
}

// A storm of scrapes reaches the database no more often than one scrape does.
func TestMetricsInAStorm(t *testing.T) {
	t.Parallel()
	w := install(t).watch()
	const reads = `portal_database_operation_duration_seconds_count{operation="read"}`
	before := w.now()[reads]
	const times = 300
	for range times {
		w.scrape()
	}
	if got := w.now()[reads] - before; got > 2*times {
		t.Errorf("%d scrapes read %v times", times, got)
	}
}
