// Command portal is the Customer Administration Portal: the server, and the
// commands for the operator on the host. It only wires; every rule lives below.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/alecthomas/kong"

	"portal"
	"portal/internal/seal"
	"portal/internal/store"
)

func main() {
	ctx, stop := untilSignal()
	defer stop()
	w := world{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, Now: time.Now, Getenv: os.Getenv}
	os.Exit(run(ctx, os.Args[1:], w))
}

// world is what the program touches outside itself, so that the tests' server
// can be this very program with a clock that the test moves.
type world struct {
	In       io.Reader
	Out, Err io.Writer
	Now      portal.Clock
	Getenv   func(string) string
}

// cli is the whole command line. What configures the program is also read from
// PORTAL_…; what a single command is about is not.
type cli struct {
	Data     string `help:"Folder for the database and the key ring." default:"./portal-data" env:"PORTAL_DATA" placeholder:"DIR"`
	Database string `help:"postgres://… for several nodes; without it SQLite in the data folder. Also as PORTAL_DATABASE_FILE, the path of a file that holds it." env:"PORTAL_DATABASE" placeholder:"URL"`

	WeakPasswords string `help:"File of passwords that nobody may choose, one a line, beside the bundled list." env:"PORTAL_WEAK_PASSWORDS" type:"path" placeholder:"FILE"`

	Version kong.VersionFlag `help:"Print the version, the commit and the Go version."`

	Serve    serveCmd    `cmd:"" help:"Run the portal."`
	Migrate  migrateCmd  `cmd:"" help:"Bring the schema of the database up to date, where the service's role may not."`
	Move     moveCmd     `cmd:"" help:"Take everything from SQLite to PostgreSQL."`
	Customer customerCmd `cmd:"" help:"Add, list and suspend customers."`
	Sessions sessionsCmd `cmd:"" help:"End the sessions of many."`
	User     userCmd     `cmd:"" help:"Add, show and help users."`
	Operator operatorCmd `cmd:"" help:"Show or set the 2FA policy of operators."`
	Mail     mailCmd     `cmd:"" help:"Read the mails that wait in the outbox."`
	Audit    auditCmd    `cmd:"" help:"Verify, export and prune the audit trail."`
	Backup   backupCmd   `cmd:"" help:"Write everything that the database holds to a file, also while the portal serves."`
	Restore  restoreCmd  `cmd:"" help:"Put a backup into an empty data folder or an empty PostgreSQL database."`

	PostRestore postRestoreCmd `cmd:"" help:"Make restored data safe: end sessions, void links and recovery codes. After a restore the portal does not start before."`

	Key    keyCmd    `cmd:"" help:"List, rotate and retire the keys of the key ring."`
	Doctor doctorCmd `cmd:"" help:"Look the installation over: what is wrong, and what to do about it. Changes nothing."`
	Demo   demoCmd   `cmd:"" help:"Fill a data folder with invented customers and users to try the portal with."`

	// databaseErr is what kept the database's URL from being read, for the one
	// command that goes on without it.
	databaseErr error
}

// Exit codes: the command line was wrong, or the deed could not be done.
const (
	exitFailed = 1
	exitUsage  = 2
)

// run is the program without the process around it; it returns the exit code.
func run(ctx context.Context, args []string, w world) int {
	var c cli
	exited := -1
	parser, err := kong.New(&c, kong.Name("portal"), kong.Description("The "+portal.ProductName+"."),
		kong.Writers(w.Out, w.Err), kong.Exit(func(code int) { exited = code }), kong.UsageOnError(),
		kong.Vars{"version": versionText()}, kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		fmt.Fprintln(w.Err, "portal:", err)
		return exitFailed
	}
	parsed, err := parser.Parse(args)
	switch {
	case exited >= 0:
		return exited
	case err != nil:
		fmt.Fprintln(w.Err, "portal:", err)
		return exitUsage
	}
	c.databaseErr = c.databaseFromFile(w)
	if err := c.databaseErr; err != nil && parsed.Command() != "doctor" {
		fmt.Fprintln(w.Err, "portal:", err)
		return exitFailed
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	if err := parsed.Run(&c, w); err != nil {
		fmt.Fprintln(w.Err, "portal:", inWords(err))
		return exitFailed
	}
	return 0
}

// databaseFromFile keeps the password of a database URL out of arguments and
// environment (CF-01).
func (c *cli) databaseFromFile(w world) error {
	path := w.Getenv("PORTAL_DATABASE_FILE")
	if path == "" || c.Database != "" {
		return nil
	}
	text, err := w.secretFile("PORTAL_DATABASE_FILE", path)
	c.Database = text
	return err
}

// secretFile reads a secret out of a file that nobody else may read; variable
// is what names the file.
func (w world) secretFile(variable, path string) (string, error) {
	text, err := w.private(path)
	secret := strings.TrimSpace(string(text))
	switch {
	case errors.Is(err, seal.ErrFileMode):
		return "", fmt.Errorf("%s: %w. Other users of this machine can read the secret in it. Run chmod 600 on it and start again", variable, err)
	case err != nil:
		return "", fmt.Errorf("%s: %w", variable, err)
	case secret == "":
		return "", fmt.Errorf("%s names %s, which is empty", variable, path)
	}
	return secret, nil
}

// private reads a file that nobody else may read: one of the operator's, or a
// credential that systemd handed over.
func (w world) private(path string) ([]byte, error) {
	if folder := w.Getenv("CREDENTIALS_DIRECTORY"); folder != "" && filepath.Dir(path) == filepath.Clean(folder) {
		return seal.ReadCredential(path)
	}
	return seal.ReadPrivate(path)
}

// inWords is an error as the operator reads it: the message, and the cause.
func inWords(err error) string {
	var e *portal.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	if store.TurnedAway(e.Cause) { // no waiting mends that
		return fmt.Sprintf("the database turns the portal away: %v", e.Cause)
	}
	if e.Cause != nil {
		return fmt.Sprintf("%s (%v)", e.Message, e.Cause)
	}
	return e.Message
}
