package store

import (
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Whatever a database URL says, each way to another machine verifies the server
// (CO-02), and no refusal repeats the password.
func FuzzProtected(f *testing.F) {
	for _, database := range []string{
		"postgres://u:s3cr3t@db.example.com/db", "postgres://u:s3cr3t@localhost,10.0.0.7:1/db?sslmode=prefer", "postgres://u:s3cr3t@[::1]:1/db?sslmode=disable",
		"postgres://u:s3cr3t@db.example.com/db?sslmode=verify-full&sslmode=disable", "postgres://u:s3cr3t@/db?host=db.example.com&sslmode=verify-full",
		"postgres://u:s3cr3t@localhost/db?hostaddr=10.0.0.7", "postgres://u:s3cr3t@localhost/db?service=x", "postgres://u:s3cr3t@h/db?%73slmode=allow",
		"postgres://#u:s3cr3t@?0", "postgres://u:s3cr3t#x@h/db", "postgres://h/db?password=s3cr3t&sslmode=disable", "postgres://h/db?0&password=s3cr3t",
		"postgresql://u:s3cr3t@h:99999/%zz", "postgres://u:s3cr3t@h/db?sslmode=verify-full&sslrootcert=system", "postgres://u:s3cr3t@h/db?sslnegotiation=direct",
	} {
		f.Add(database)
	}
	secret := regexp.MustCompile(`//\w*:s3cr3t[@#]|[?&]password=s3cr3t`)
	f.Fuzz(func(t *testing.T, database string) {
		if !isPostgres(database) {
			return
		}
		way, err := protected(database)
		if err != nil {
			if secret.MatchString(database) && strings.Count(database, "s3cr3t") == 1 && strings.Contains(err.Error(), "s3cr3t") {
				t.Fatalf("%q: %v", database, err)
			}
			return
		}
		config, err := pgx.ParseConfig(way)
		if err != nil {
			t.Fatalf("%q becomes %q: %v", database, way, err)
		}
		if onThisMachine(config) {
			return
		}
		for _, to := range ways(config) {
			if isSocket(to.Host) {
				continue
			}
			if to.TLSConfig == nil || to.TLSConfig.InsecureSkipVerify || to.TLSConfig.ServerName == "" {
				t.Fatalf("%q becomes %q, and the way to %q is not verified", database, way, to.Host)
			}
		}
	})
}
