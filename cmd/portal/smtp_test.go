package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portal/internal/testkit"
)

// Half a way to a mail server is refused at the start, with what to do.
func TestMailFlags(t *testing.T) {
	t.Parallel()
	authority := testkit.NewAuthority(t)
	secret := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(secret, []byte("s3cret\n"), 0o600))
	open := filepath.Join(t.TempDir(), "password")
	must(t, os.WriteFile(open, []byte("s3cret"), 0o644)) // #nosec G306 -- what is to be refused
	const url, from = "smtps://mail.example.com", "Portal <portal@example.com>"
	for _, c := range []struct {
		name  string
		flags smtpFlags
		env   map[string]string
		says  string
	}{
		{"nothing", smtpFlags{}, nil, ""},
		{"without sign-in", smtpFlags{SMTPURL: url, SMTPFrom: from}, nil, ""},
		{"with sign-in", smtpFlags{SMTPURL: "smtps://u@mail.example.com", SMTPFrom: from}, map[string]string{"PORTAL_SMTP_PASSWORD_FILE": secret}, ""},
		{"own authority", smtpFlags{SMTPURL: url, SMTPFrom: from, SMTPCA: authority.File}, nil, ""},
		{"password in the address", smtpFlags{SMTPURL: "smtps://u:s3cret@mail.example.com", SMTPFrom: from}, nil, "PORTAL_SMTP_PASSWORD_FILE"},
		{"no sender", smtpFlags{SMTPURL: url}, nil, "--smtp-from"},
		{"user without password", smtpFlags{SMTPURL: "smtps://u@mail.example.com", SMTPFrom: from}, nil, "both or neither"},
		{"password without user", smtpFlags{SMTPURL: url, SMTPFrom: from}, map[string]string{"PORTAL_SMTP_PASSWORD": "s3cret"}, "both or neither"},
		{"open password file", smtpFlags{SMTPURL: url, SMTPFrom: from}, map[string]string{"PORTAL_SMTP_PASSWORD_FILE": open}, "chmod 600"},
		{"no password file", smtpFlags{SMTPURL: url, SMTPFrom: from}, map[string]string{"PORTAL_SMTP_PASSWORD_FILE": "/nowhere"}, "no such file"},
		{"no authority", smtpFlags{SMTPURL: url, SMTPFrom: from, SMTPCA: "/nowhere"}, nil, "--smtp-ca"},
		{"empty authority", smtpFlags{SMTPURL: url, SMTPFrom: from, SMTPCA: secret}, nil, "no certificate"},
		{"too patient", smtpFlags{SMTPURL: url, SMTPFrom: from, SMTPTimeout: time.Hour}, nil, "--smtp-timeout"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.flags.SMTPTimeout == 0 {
				c.flags.SMTPTimeout = 30 * time.Second
			}
			server, err := c.flags.server(world{Getenv: func(name string) string { return c.env[name] }})
			if c.says == "" {
				if err != nil || (c.flags.SMTPURL != "" && c.flags.SMTPURL != url) != (server != nil && server.Password == "s3cret") {
					t.Errorf("%+v, %v", server, err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
}
