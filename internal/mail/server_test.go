package mail_test

import (
	"strings"
	"testing"

	"portal/internal/mail"
)

// What would send mails or a password in the clear beyond this machine, or put
// a password where others read it, is refused.
func TestServerAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"smtps://mail.example.com":                "mail.example.com:465",
		"smtps://portal@mail.example.com:2465":    "mail.example.com:2465",
		"smtp://mail.example.com":                 "mail.example.com:587",
		"smtp+plain://127.0.0.1":                  "127.0.0.1:25",
		"smtp+plain://[::1]:2525":                 "[::1]:2525",
		"smtp+plain://localhost":                  "localhost:25",
		"smtp+plain://mail.example.com":           "on this machine",
		"smtp+plain://portal@127.0.0.1":           "sends no password",
		"smtps://portal:secret@mail.example.com":  "PORTAL_SMTP_PASSWORD_FILE",
		"http://mail.example.com":                 "no way to a mail server",
		"mail.example.com:25":                     "it looks like",
		"smtps://mail.example.com/inbox":          "it looks like",
		"smtps://mail.example.com?skip-verify=on": "it looks like",
		"smtps://:465":                            "it looks like",
		"":                                        "it looks like",
	} {
		server, err := mail.ParseServer(address)
		got := server.String()
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, want) || strings.Contains(got, "secret") {
			t.Errorf("%q: %s, want %s", address, got, want)
		}
	}
}
