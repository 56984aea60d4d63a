package store

import (
	"strings"
	"testing"
)

// The way to another machine is protected whatever the URL says, or there is
// no way (CO-02).
func TestWayToPostgresIsProtected(t *testing.T) {
	for database, want := range map[string]string{
		"postgres://u:p@localhost/db":                                                    "postgres://u:p@localhost/db",
		"postgres://u:p@127.0.0.1:5432/db?sslmode=disable":                               "postgres://u:p@127.0.0.1:5432/db?sslmode=disable",
		"postgres:///db?host=/run/postgresql":                                            "postgres:///db?host=/run/postgresql",
		"postgres://u:p@db.example.com/db":                                               "postgres://u:p@db.example.com/db?sslmode=verify-full",
		"postgres://u:p@localhost,db.example.com/db":                                     "postgres://u:p@localhost,db.example.com/db?sslmode=verify-full",
		"postgres://u:p@localhost:5432,10.0.0.7:5433/db?target_session_attrs=read-write": "postgres://u:p@localhost:5432,10.0.0.7:5433/db?sslmode=verify-full&target_session_attrs=read-write",
		"postgres://u:p@10.0.0.7:1,10.0.0.8:2/db?sslmode=disable":                        "",
		"postgres://u:p@10.0.0.7/db?sslmode=verify-full":                                 "postgres://u:p@10.0.0.7/db?sslmode=verify-full",
		"postgres://u:s3cr3t@db.example.com/db?sslmode=require":                          "",
		"postgres://u:s3cr3t@db.example.com/db?sslmode=prefer":                           "",
		"postgres://u:s3cr3t@db.example.com/db?sslmode=disable":                          "",
		"postgres://u:s3cr3t@db.example.com/db?sslmode=verify-ca":                        "",
		"postgres://u:s3cr3t@localhost,10.0.0.7/db?sslmode=prefer":                       "",
	} {
		got, err := protected(database)
		if got != want || (want == "") != (err != nil) {
			t.Errorf("%s: %s, %v; want %q", database, got, err, want)
		}
		if err != nil && (strings.Contains(err.Error(), "s3cr3t") || !strings.Contains(err.Error(), "verify-full")) {
			t.Errorf("the error says: %v", err)
		}
	}
}
