package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"portal/internal/doctor"
	"portal/internal/testkit"
)

// wantRefused holds that no command works on another database than the one that
// the data folder belongs to, and that each says which that is.
func (in *installation) wantRefused(t *testing.T, says string, commands ...[]string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // ends a portal that serves in spite of it
	defer cancel()
	for _, args := range commands {
		var out, errors bytes.Buffer // in this process, which takes a tenth of the time
		w := world{In: strings.NewReader(""), Out: &out, Err: &errors, Now: movedClock(in.clock), Getenv: func(string) string { return "" }}
		code := run(ctx, append([]string{"--data", in.Data, "--database", in.Database}, args...), w)
		if code != 1 || !strings.Contains(errors.String(), says) || out.Len() > 0 || strings.Contains(errors.String(), "sslmode") {
			t.Errorf("portal %q on %q: exit %d, want %q and no options or password:\n%s%s", args, in.Database, code, says, &out, &errors)
		}
	}
}

// A command that was not told of the PostgreSQL works on nothing, and on no
// other PostgreSQL: it neither makes an empty database beside the key ring nor
// changes the ring by what stands there.
func TestCommandsKnowTheirDatabase(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.Database = testkit.Postgres(t)
	in.Serve().Stop()
	in.Run("", "key", "add")
	ring, err := os.ReadFile(in.keyring())
	must(t, err)
	astray := *in
	astray.Database = ""
	all := [][]string{
		{"serve", "--listen", in.listen}, {"customer", "list"}, {"customer", "add", "Acme"}, {"sessions", "end-all"}, {"user", "list"}, {"key", "list"},
		{"key", "rotate"}, {"key", "retire", in.keyIDs()[0]}, {"audit", "verify"}, {"backup", filepath.Join(t.TempDir(), "b")}, {"migrate"}, {"migrate", "--plan"},
	}
	astray.wantRefused(t, "served with "+placeOf(in.Database)+" last", all...)
	astray.wantFound(t, "no database named", codes(doctor.MailNone), codes(doctor.DatabaseOther))
	must(t, os.Remove(in.belonging()))
	astray.wantRefused(t, "a key ring and no portal.db", all...)
	astray.wantFound(t, "a ring without its database", codes(doctor.MailNone), codes(doctor.DatabaseOther))
	if _, err := os.Stat(filepath.Join(in.Data, "portal.db")); err == nil {
		t.Error("a SQLite was made beside the key ring")
	}

	in.Serve().Stop() // notes it again
	astray.Database = testkit.Postgres(t)
	astray.wantRefused(t, placeOf(astray.Database)+" is not that one", all[:10]...)
	astray.wantFound(t, "another one", codes(doctor.MailNone), codes(doctor.DatabaseOther))
	if n := number(t, astray.beneath(), "SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema()"); n != 0 {
		t.Errorf("%d tables were made in another database", n)
	}
	now, err := os.ReadFile(in.keyring())
	must(t, err)
	if !bytes.Equal(now, ring) {
		t.Errorf("the key ring was changed:\n%s", now)
	}
	in.Run("", "customer", "list")
	must(t, os.Remove(in.belonging())) // as the message says
	astray.Run("", "customer", "list")
}

// What was served on SQLite is not looked for in a PostgreSQL either. A
// restore, which is meant, names the place anew.
func TestCommandsKnowTheirFile(t *testing.T) {
	t.Parallel()
	in := install(t)
	in.Serve().Stop()
	backup := filepath.Join(t.TempDir(), "backup")
	in.Run("", "backup", backup)
	astray := *in
	astray.Database = testkit.Postgres(t)
	astray.wantRefused(t, "leave --database", []string{"serve", "--listen", in.listen}, []string{"customer", "list"})

	must(t, os.Remove(filepath.Join(in.Data, "portal.db")))
	in.wantRefused(t, "no portal.db", []string{"customer", "list"})
	in.Run("", "restore", backup)
	if _, err := os.Stat(in.belonging()); err == nil {
		t.Error("a restored folder still belongs to the database of before")
	}
	in.Run("", "post-restore")
	in.Serve().Stop()
}

func (in *installation) belonging() string { return filepath.Join(in.Data, "database.json") }
