package backup

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"portal/internal/store"
)

// dumpPostgres lets pg_dump write the moment that the manifest describes.
func dumpPostgres(ctx context.Context, data *store.Store, to io.Writer) (c store.Content, err error) {
	environment, err := data.Environment()
	if err != nil {
		return c, err
	}
	err = data.Export(ctx, func(m store.Moment) error {
		c = m.Content
		tool, err := findTool(ctx, "pg_dump", m.Server)
		if err != nil {
			return err
		}
		return tool.run(ctx, environment, nil, to, "--format=custom", "--no-owner", "--no-privileges", "--no-password",
			"--schema="+pattern(m.Schema), "--snapshot="+m.Name)
	})
	return c, err
}

// pattern names exactly one schema where pg_dump takes a pattern.
func pattern(schema string) string { return `"` + strings.ReplaceAll(schema, `"`, `""`) + `"` }

// restorePostgres lets pg_restore put all of it into one transaction. It reads
// from this process, so that it ends with an error where this one is killed.
func (b *Backup) restorePostgres(ctx context.Context, place store.Config) error {
	at, err := store.OpenPlace(place)
	if err != nil {
		return err
	}
	defer at.Close() //nolint:errcheck // what was written was asked for its error
	moment, there, err := at.BeginRestore(ctx)
	if err != nil {
		return fmt.Errorf("the restore could not begin; it needs the role that owns the database: %w", err)
	}
	if !there {
		if err := b.load(ctx, at, moment); err != nil {
			return err
		}
	}
	return b.complete(ctx, place)
}

func (b *Backup) load(ctx context.Context, at *store.Store, m store.Moment) error {
	environment, err := at.Environment()
	if err != nil {
		return err
	}
	tool, err := findTool(ctx, "pg_restore", m.Server)
	if err != nil {
		return err
	}
	from, feed := io.Pipe()
	go func() { feed.CloseWithError(b.feed(feed)) }()
	defer from.Close() //nolint:errcheck // it ends the feeding where the tool has ended first
	return tool.run(ctx, environment, from, nil, "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--no-password",
		"--schema="+m.Schema, "--dbname="+databaseOf(environment))
}

// databaseOf is the database that the environment names, as a connection
// string: pg_restore connects only where it is told to by an argument.
func databaseOf(environment []string) string {
	name := ""
	for _, variable := range environment {
		if value, found := strings.CutPrefix(variable, "PGDATABASE="); found {
			name = value
		}
	}
	return "dbname='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(name) + "'"
}

// tool is a program of PostgreSQL's.
type tool struct {
	path  string
	major int
}

// debianTools is where Debian keeps the programs of each version.
const debianTools = "/usr/lib/postgresql/*/bin/"

// findTool finds the program whose version is the server's, or else the next
// newer one: an older one does not understand the server, and a newer one
// writes and says what older ones cannot read.
func findTool(ctx context.Context, name string, server int) (tool, error) {
	paths, err := filepath.Glob(debianTools + name)
	if err != nil {
		return tool{}, err
	}
	if path, err := exec.LookPath(name); err == nil {
		paths = append(paths, path)
	}
	var fit []tool
	for _, path := range paths {
		if major := versionOf(ctx, path); major >= server {
			fit = append(fit, tool{path, major})
		}
	}
	if len(fit) == 0 {
		return tool{}, fmt.Errorf("%s of version %d or newer is needed and was not found (looked in PATH and %s); install the client programs of PostgreSQL, on Debian the package postgresql-client-%d",
			name, server, debianTools, server)
	}
	return slices.MinFunc(fit, func(a, b tool) int { return cmp.Compare(a.major, b.major) }), nil
}

var versionSaid = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// versionOf is the major version of a program; 0 where it does not say.
func versionOf(ctx context.Context, path string) int {
	said, err := exec.CommandContext(ctx, path, "--version").Output() // #nosec G204 -- a program of PostgreSQL's that was found by its name
	if err != nil {
		return 0
	}
	found := versionSaid.FindSubmatch(said)
	if found == nil {
		return 0
	}
	major, err := strconv.Atoi(string(found[1]))
	if err != nil {
		return 0
	}
	return major
}

// run runs the program. How it gets to the database, password included, it is
// told by its environment: arguments can be read by everybody on the machine.
func (t tool) run(ctx context.Context, environment []string, in io.Reader, out io.Writer, args ...string) error {
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, t.path, args...) // #nosec G204 -- found by findTool; the arguments are written above
	cmd.Env = append(append(os.Environ(), environment...), "LC_ALL=C")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = in, out, &said
	err := cmd.Run()
	if err == nil {
		return nil
	}
	words := strings.TrimSpace(said.String())
	if strings.Contains(words, "permission denied") {
		words += ". Use the role that owns the database"
	}
	return errors.Join(fmt.Errorf("%s: %w: %s", filepath.Base(t.path), err, words), ctx.Err())
}
