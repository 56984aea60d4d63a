package main

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"portal/internal/doctor"
	"portal/internal/testkit"
)

// Modes, keys and room on the host: each thing that is broken is found, and
// nothing else.
func TestDoctorLooksAtTheHost(t *testing.T) {
	t.Parallel()
	in := install(t)
	s := in.Serve()
	s.house()
	s.Stop()
	in.Run("", "customer", "list") // seals what the server has left
	right, err := os.ReadFile(in.keyring())
	must(t, err)
	write := func(path, text string, mode os.FileMode) {
		t.Helper()
		must(t, os.WriteFile(path, []byte(text), mode))
		must(t, os.Chmod(path, mode))
	}
	chmod := func(path string, mode os.FileMode) func() {
		return func() { t.Helper(); must(t, os.Chmod(path, mode)) }
	}
	ring := func(text string, mode os.FileMode) func() {
		return func() { t.Helper(); write(in.keyring(), text, mode) }
	}
	restore := ring(string(right), 0o600)
	database, stray, secret := filepath.Join(in.Data, "portal.db"), filepath.Join(in.Data, ".keyring-1"), filepath.Join(t.TempDir(), "secret")
	id := in.keyIDs()[0]
	name := func(variable string, mode os.FileMode) func() {
		return func() {
			t.Helper()
			write(secret, "postgres://portal:"+topSecret+"@127.0.0.1:1/none", mode)
			in.env = []string{variable + "=" + secret}
		}
	}
	forget := func() { in.env = nil }
	smtp := []string{"--smtp-url", "smtps://u@localhost:1", "--smtp-from", "a@b.example"}
	in.suffer(t, codes(doctor.NodesNone, doctor.MailNone), []disease{
		{name: "an open folder", harm: chmod(in.Data, 0o755), want: codes(doctor.FolderOpen), mend: chmod(in.Data, 0o700)},
		{name: "an open database", harm: chmod(database, 0o640), want: codes(doctor.FileOpen), mend: func() {
			for _, part := range []string{"", "-wal", "-shm"} { // SQLite gives its side files the mode of the file
				chmod(database+part, 0o600)()
			}
		}},
		{name: "a stray key ring", harm: func() { write(stray, "x", 0o600); must(t, os.Chtimes(stray, time.Unix(1, 0), time.Unix(1, 0))) },
			want: codes(doctor.FileLeft), mend: func() { must(t, os.Remove(stray)) }},
		{name: "an open key ring", harm: chmod(in.keyring(), 0o644), want: codes(doctor.RingOpen), mend: restore},
		{name: "no key ring", harm: func() { must(t, os.Remove(in.keyring())) }, want: codes(doctor.RingMissing), mend: restore},
		{name: "half a key ring", harm: ring(string(right[:len(right)/2]), 0o600), want: codes(doctor.RingDamaged), mend: restore},
		{name: "a foreign key ring", harm: ring(strings.ReplaceAll(string(right), id, "k-01234567"), 0o600), want: codes(doctor.RingLacks), mend: restore},
		{name: "an open password", harm: name("PORTAL_SMTP_PASSWORD_FILE", 0o644), want: codes(doctor.FileOpen), mend: forget, flags: smtp},
		{name: "open headers of the collector", harm: name("PORTAL_OTLP_HEADERS_FILE", 0o644), want: codes(doctor.FileOpen), mend: forget, flags: []string{"--otlp-endpoint", "http://127.0.0.1:4318"}},
		{name: "an open passphrase", harm: name("PORTAL_BACKUP_PASSPHRASE_FILE", 0o644), want: codes(doctor.FileOpen), mend: forget},
		{name: "no password", harm: func() { in.env = []string{"PORTAL_SMTP_PASSWORD_FILE=/nowhere"} },
			want: codes(doctor.SettingsRefused, doctor.FileUnreadable), mend: forget, flags: smtp},
	})
	credentials := t.TempDir() // as systemd hands them over
	must(t, os.Chmod(credentials, 0o750))
	credential := filepath.Join(credentials, "smtp-password")
	write(credential, topSecret, 0o440)
	in.env = []string{"CREDENTIALS_DIRECTORY=" + credentials, "PORTAL_SMTP_PASSWORD_FILE=" + credential}
	in.wantFound(t, "a credential", codes(doctor.NodesNone, doctor.MailNone, doctor.MailClosed), nil, smtp...)
	forget()
	in.Database = "" // from the file
	name("PORTAL_DATABASE_FILE", 0o604)()
	in.wantFound(t, "an open database URL", codes(doctor.MailNone), codes(doctor.FileOpen))
	name("PORTAL_DATABASE_FILE", 0o600)()
	in.wantFound(t, "a database that is down", codes(doctor.MailNone), codes(doctor.DatabaseClosed))
	write(in.keyring(), string(right), 0o640)
	in.wantFound(t, "a database that is down, and an open key ring", codes(doctor.MailNone), codes(doctor.DatabaseClosed, doctor.RingOpen))
	forget()
	in.Data = filepath.Join(in.Data, "nowhere")
	in.wantFound(t, "no folder", codes(doctor.MailNone), codes(doctor.FolderMissing))
}

// A ring whose key has the right name and the wrong content is told from one
// that lacks a key; many old keys are worth a word.
func TestDoctorKnowsTheKeys(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.Run("", "customer", "add", "Acme")
	in.Run("", "customer", "suspend", "Acme")
	usual := codes(doctor.NodesNone, doctor.MailNone)
	text, err := os.ReadFile(in.keyring())
	must(t, err)
	swap(t, in.keyring(), regexp.MustCompile(`,\s*"chains": true`).ReplaceAll(text, nil))
	in.wantFound(t, "a key of an older program", usual, codes(doctor.RingOlder))
	in.Run("", "key", "rotate")
	for range 3 {
		in.wantFound(t, "few old keys", usual, nil)
		in.Run("", "key", "rotate")
	}
	in.wantFound(t, "many old keys", usual, codes(doctor.RingOld))
	other := install(t)
	other.Run("", "customer", "add", "Acme")
	text, err = os.ReadFile(other.keyring())
	must(t, err)
	first := in.keyIDs()[0]
	change(t, in.beneath(), "DELETE FROM key_checks WHERE id <> $1", first)
	swap(t, in.keyring(), []byte(strings.ReplaceAll(string(text), other.keyIDs()[0], first)))
	in.wantFound(t, "a forged key", usual, codes(doctor.RingWrong))
}

// Little room on the disk is found before the portal stops on it.
func TestDoctorMeasuresTheDisk(t *testing.T) {
	t.Parallel()
	in := install(t)
	must(t, os.MkdirAll(in.Data, 0o700))
	for size, want := range map[string]doctor.Code{"300m": doctor.SpaceLow, "30m": doctor.SpaceOut} {
		if err := syscall.Mount("tmpfs", in.Data, "tmpfs", 0, "size="+size+",mode=0700"); err != nil {
			t.Fatalf("a small disk cannot be mounted; run the tests as root: %v", err)
		}
		in.Run("", "customer", "add", "Acme")
		in.Run("", "customer", "suspend", "Acme")
		in.wantFound(t, size, codes(doctor.NodesNone, doctor.MailNone), codes(want))
		must(t, syscall.Unmount(in.Data, syscall.MNT_DETACH))
	}
}

// What serve refuses, and what it lets pass though it is often wrong, is found
// in the settings alone, while a portal may be using the port.
func TestDoctorDoubtsTheSettings(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.Run("", "customer", "add", "Acme")
	in.Run("", "customer", "suspend", "Acme")
	authority := testkit.NewAuthority(t)
	const base = "https://portal.example.com"
	cert, key := authority.Issue(t, t.TempDir(), "portal.example.com")
	otherCert, otherKey := authority.Issue(t, t.TempDir(), "other.example.com")
	open := filepath.Join(t.TempDir(), "key")
	text, err := os.ReadFile(key)
	must(t, err)
	must(t, os.WriteFile(open, text, 0o644))
	tls := []string{"--base-url", base, "--tls-cert", cert, "--tls-key"}
	usual := codes(doctor.NodesNone, doctor.MailNone)
	for _, c := range []struct {
		args []string
		want []doctor.Code
	}{
		{[]string{"--base-url", base, "--proxy", "127.0.0.1"}, nil},
		{[]string{"--base-url", base, "--proxy", "10.1.2.0/24", "--listen", "127.0.0.1:0"}, nil},
		{[]string{"--base-url", "http://portal.example.com"}, codes(doctor.SettingsRefused)},
		{[]string{"--base-url", base, "--listen", "0.0.0.0:0"}, codes(doctor.SettingsRefused)},
		{[]string{"--base-url", base, "--proxy", "0.0.0.0/0"}, codes(doctor.SettingsRefused)},
		{[]string{"--listen", "0.0.0.0:0", "--base-url", "http://localhost:8080"}, codes(doctor.SettingsRefused)},
		{[]string{"--base-url", "https://192.0.2.1", "--acme"}, codes(doctor.SettingsRefused)},
		{[]string{"--base-url", base, "--acme", "--acme-ca", "/nowhere"}, codes(doctor.SettingsRefused)},
		{[]string{"--base-url", base, "--acme"}, nil},
		{[]string{"--otlp-endpoint", "http://db.example.com:4318"}, codes(doctor.SettingsRefused)},
		{[]string{"--otlp-endpoint", "http://127.0.0.1:4318", "--otlp-ca", "/nowhere"}, codes(doctor.SettingsRefused)},
		{[]string{"--listen", "nonsense"}, codes(doctor.SettingsRefused)},
		{[]string{"--tls-key", key}, codes(doctor.SettingsRefused)},
		{[]string{"--weak-passwords", "/nowhere"}, codes(doctor.SettingsRefused)},
		{[]string{"--smtp-url", "smtp+plain://mail.example.com"}, codes(doctor.SettingsRefused)},
		{[]string{"--base-url", base}, codes(doctor.ProxyUnnamed)},
		{[]string{"--base-url", base, "--proxy", "10.0.0.0/8"}, codes(doctor.ProxyWide)},
		{[]string{"--base-url", base, "--proxy", "2001:db8::/32"}, codes(doctor.ProxyWide)},
		{[]string{"--base-url", base, "--proxy", "10.0.0.1", "--listen", ":0"}, codes(doctor.ProxyBypassed)},
		{[]string{"--metrics-listen", ":9464"}, nil},
		{[]string{"--metrics-listen", "0.0.0.0:9464"}, codes(doctor.MetricsOpen)},
		{[]string{"--metrics-listen", "127.0.0.1:8080"}, codes(doctor.SettingsRefused)},
		{append(tls, otherKey), codes(doctor.CertificateUnusable)},
		{append(tls, open), codes(doctor.FileOpen)},
		{[]string{"--base-url", base, "--tls-cert", otherCert, "--tls-key", otherKey}, codes(doctor.CertificateEnds, doctor.CertificateOther)},
		{append(tls, key), codes(doctor.CertificateEnds)}, // in half a day
	} {
		in.wantFound(t, strings.Join(c.args, " "), usual, c.want, c.args...)
	}
	in.Advance(24 * time.Hour)
	in.wantFound(t, "the next day", append(usual, doctor.AuditLate), codes(doctor.CertificateEnded), append(tls, key)...)
	in.Database = "postgres://portal:" + topSecret + "@db.example.com/portal?sslmode=require"
	in.wantFound(t, "a database without proof", usual, codes(doctor.DatabaseClosed))
}

// The way to the mail server is gone up to the moment before a mail is handed
// over: every server that would not take one is found, and none is sent.
func TestDoctorProbesTheMailServer(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.Run("", "customer", "add", "Acme")
	in.Run("", "user", "add", "--customer", "Acme", "--name", "Ada", "--email", "ada@example.com", "ada")
	in.Run("", "customer", "suspend", "Acme")
	post := testkit.SMTP(t)
	dead, err := url.Parse("smtps://" + freeAddress(t))
	must(t, err)
	flags := func(address, user, ca string) []string {
		u, err := url.Parse(address)
		must(t, err)
		if user != "" {
			u.User = url.User(user)
		}
		return []string{"--smtp-url", u.String(), "--smtp-from", "portal@example.com", "--smtp-ca", ca}
	}
	password := func(text string) func() {
		return func() { in.env = []string{"PORTAL_SMTP_PASSWORD=" + text} }
	}
	none, foreign := func() {}, testkit.NewAuthority(t).File
	usual := codes(doctor.NodesNone, doctor.MailNone)
	in.suffer(t, usual, []disease{
		{name: "TLS", harm: none, flags: flags(post.TLS, "", post.CA)},
		{name: "STARTTLS", harm: none, flags: flags(post.STARTTLS, "", post.CA)},
		{name: "plain", harm: none, flags: flags(post.Plain, "", post.CA)},
		{name: "nobody listens", harm: none, want: codes(doctor.MailClosed), flags: flags(dead.String(), "", post.CA)},
		{name: "no TLS there", harm: none, want: codes(doctor.MailClosed), flags: flags(strings.Replace(post.Plain, "smtp+plain", "smtp", 1), "", post.CA)},
		{name: "a foreign certificate", harm: none, want: codes(doctor.MailUnproven), flags: flags(post.TLS, "", foreign)},
		{name: "a foreign certificate behind STARTTLS", harm: none, want: codes(doctor.MailUnproven), flags: flags(post.STARTTLS, "", foreign)},
		{name: "signed in", harm: password(testkit.MailPassword), flags: flags(post.TLS, testkit.MailUser, post.CA)},
		{name: "a wrong password", harm: password("wrong " + topSecret), want: codes(doctor.MailRefused), flags: flags(post.TLS, testkit.MailUser, post.CA), mend: func() { in.env = nil }},
	})
	in.Advance(2 * time.Hour)
	in.wantFound(t, "a mail that waits", append(usual, doctor.AuditLate), codes(doctor.MailsStuck), flags(post.TLS, "", post.CA)...)
	if got := post.Received(); len(got) > 0 {
		t.Errorf("mails were sent: %+v", got)
	}
}
