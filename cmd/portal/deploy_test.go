package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
)

// deployed reads a file of the folder that operators copy from.
func deployed(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "deploy", name))
	must(t, err)
	return string(text)
}

// systemd finds nothing to complain of in the unit and its options, holds it
// for a service that can do little harm, and waits for it long enough.
func TestSystemdUnit(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	must(t, err)
	unit := strings.Replace(deployed(t, "systemd/portal.service"), "ExecStart=/usr/local/bin/portal ", "ExecStart="+self+" ", 1)
	for _, option := range []string{"", "database.conf", "mail.conf", "port443.conf"} {
		file := filepath.Join(t.TempDir(), "portal.service")
		must(t, os.WriteFile(file, []byte(unit), 0o600))
		if option != "" {
			must(t, os.Mkdir(file+".d", 0o700))
			must(t, os.WriteFile(filepath.Join(file+".d", option), []byte(deployed(t, "systemd/options/"+option)), 0o600))
		}
		if out, err := exec.Command("systemd-analyze", "verify", "--man=no", "--recursive-errors=no", file).CombinedOutput(); err != nil || strings.Contains(string(out), "portal.service") {
			t.Errorf("%s: systemd-analyze verify: %v\n%s", option, err, out)
		}
		out, err := exec.Command("systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=15", file).CombinedOutput()
		if err != nil {
			t.Errorf("%s: the unit is more exposed than 1.5 of 10: %v\n%s", option, err, out)
		}
	}
	field, _ := reflect.TypeFor[serveCmd]().FieldByName("Drain")
	drain, err := time.ParseDuration(field.Tag.Get("default"))
	must(t, err)
	found := regexp.MustCompile(`(?m)^TimeoutStopSec=(\d+)$`).FindStringSubmatch(unit)
	if len(found) != 2 {
		t.Fatal("the unit does not say how long it may take to stop")
	}
	if wait, _ := time.ParseDuration(found[1] + "s"); wait <= drain+settle+shutdownTimeout+farewell {
		t.Errorf("systemd waits for %s, the portal may take %s", wait, drain+settle+shutdownTimeout+farewell)
	}
}
