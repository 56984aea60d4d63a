package main

import (
	"crypto/tls"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"portal/internal/testkit"
)

// watchEverything is a portal that has every metric: TLS of its own, and a mail
// server.
func watchEverything(t *testing.T) (names, all []string) {
	t.Helper()
	in, authority := install(t), testkit.NewAuthority(t)
	_, port, err := net.SplitHostPort(in.listen)
	must(t, err)
	cert, key := authority.Issue(t, t.TempDir(), "localhost")
	w := in.watch("--base-url", "https://localhost:"+port, "--tls-cert", cert, "--tls-key", key,
		"--smtp-url", "smtp+plain://127.0.0.1:1", "--smtp-from", "portal@example.com")
	visitor := newClient(t, "http://"+in.listen)
	visitor.http.Transport = &http.Transport{TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: authority.Pool()}}
	visitor.Get("https://localhost:"+port+"/sign-in").want(t, http.StatusOK)
	until(t, "each job has been done", func() bool {
		return strings.Contains(w.scrape(), `portal_task_last_success_timestamp_seconds{task="seal the audit trail"}`)
	})
	text := w.settled()
	for line := range strings.Lines(text) {
		if name, help := strings.CutPrefix(line, "# HELP "); help {
			names = append(names, strings.Fields(name)[0])
		} else if !strings.HasPrefix(line, "#") {
			all = append(all, strings.TrimSpace(line))
		}
	}
	return names, all
}

// The alert rules and the dashboard are what Prometheus and Grafana can read,
// and ask for nothing but what a running portal tells.
func TestAlertsAndDashboardAskForWhatIsThere(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("../..")
	must(t, err)
	cmd := exec.Command("go", "-C", filepath.Join(root, "tools", "promql"), "run", ".",
		filepath.Join(root, "deploy", "prometheus", "alerts.yml"), filepath.Join(root, "deploy", "grafana", "portal.json"))
	cmd.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false", "CGO_ENABLED=0")
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	_, all := watchEverything(t)
	asked := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(asked) < 60 {
		t.Errorf("only %d series are asked for", len(asked))
	}
	slices.Sort(asked)
	for _, line := range slices.Compact(asked) {
		wanted := strings.Split(line, "\t")
		if wanted[0] == "up" { // Prometheus's own
			continue
		}
		if !slices.ContainsFunc(all, func(told string) bool { return tells(told, wanted) }) {
			t.Errorf("no series is %q", wanted)
		}
	}
}

// tells whether a line of a scrape is of a metric, with all its labels.
func tells(told string, wanted []string) bool {
	name, rest, _ := strings.Cut(strings.ReplaceAll(told, "{", " {"), " ")
	return name == wanted[0] && !slices.ContainsFunc(wanted[1:], func(label string) bool {
		return !regexp.MustCompile(`[{,]` + regexp.QuoteMeta(label)).MatchString(rest)
	})
}

// The page names every metric of ours and no other, and every alert.
func TestMonitoringPage(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/monitoring.md")
	must(t, err)
	page := string(text)
	told, _ := watchEverything(t)
	for _, name := range told {
		if strings.HasPrefix(name, "portal_") && !strings.Contains(page, "`"+name+"`") {
			t.Errorf("docs/monitoring.md does not name %s", name)
		}
	}
	for _, name := range regexp.MustCompile("`(portal_[a-z_]+)`").FindAllStringSubmatch(page, -1) {
		if !slices.Contains(told, name[1]) {
			t.Errorf("docs/monitoring.md names %s, which nobody tells", name[1])
		}
	}
	rules, err := os.ReadFile("../../deploy/prometheus/alerts.yml")
	must(t, err)
	for _, alert := range regexp.MustCompile(`(?m)- alert: (\w+)$`).FindAllStringSubmatch(string(rules), -1) {
		if !strings.Contains(page, "`"+alert[1]+"`") {
			t.Errorf("docs/monitoring.md does not say what to do about %s", alert[1])
		}
	}
}
