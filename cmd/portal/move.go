package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"portal/internal/keeper"
	"portal/internal/store"
)

// moveCmd takes everything from SQLite to PostgreSQL.
type moveCmd struct {
	To string `help:"postgres://… of an empty database, with the role that owns it. Also as PORTAL_MOVE_TO_FILE, the path of a file that holds it." env:"PORTAL_MOVE_TO" placeholder:"URL"`
}

// Run moves. The key ring is in the data folder and stays there: what is sealed
// is taken along as it is.
func (cmd *moveCmd) Run(ctx context.Context, c *cli, w world) error {
	to, err := cmd.target(c, w)
	if err != nil {
		return err
	}
	file := filepath.Join(c.Data, "portal.db")
	if _, err := os.Stat(file); err != nil {
		return fmt.Errorf("there is no SQLite database in the data folder to move: %w", err)
	}
	open := func(database string) (*store.Store, error) {
		return store.Open(ctx, store.Config{Database: database, DataFolder: c.Data, Now: w.Now, Node: hostName(), Moving: true})
	}
	source, err := open("")
	if err != nil {
		return err
	}
	target, err := open(to)
	if err != nil {
		return errors.Join(err, source.Close())
	}
	remember := func() error { return c.rememberDatabase(ctx, to, target) }
	err = cmd.move(ctx, w, store.MoveConfig{From: source, To: target, FromName: file, ToName: store.Place(to), Closed: remember})
	if err == nil { // also where an earlier try was killed at its very end
		err = remember()
	}
	return errors.Join(err, source.Close(), target.Close())
}

// target is where to, with its password out of the arguments where a file has it.
func (cmd *moveCmd) target(c *cli, w world) (string, error) {
	if c.Database != "" {
		return "", errors.New("portal move takes the SQLite database of the data folder: leave --database and PORTAL_DATABASE out")
	}
	to := cmd.To
	if path := w.Getenv("PORTAL_MOVE_TO_FILE"); path != "" && to == "" {
		text, err := w.secretFile("PORTAL_MOVE_TO_FILE", path)
		if err != nil {
			return "", err
		}
		to = text
	}
	if !strings.HasPrefix(to, "postgres://") && !strings.HasPrefix(to, "postgresql://") {
		return "", errors.New("say with --to where everything goes: postgres://…")
	}
	return to, nil
}

func (cmd *moveCmd) move(ctx context.Context, w world, m store.MoveConfig) error {
	file := m.FromName
	if absolute, err := filepath.Abs(file); err == nil {
		m.FromName = absolute
	}
	m.FromName += " on " + hostName()
	m.ID = rand.Text()
	m.Tell = func(format string, args ...any) { fmt.Fprintf(w.Err, format+"\n", args...) }
	if err := keeper.Move(ctx, host(), m); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w.Out, "Everything is in %s now. Start the portal there with --database and the same data folder, which has the key ring.\n"+
		"%s is closed for good and no longer needed; it holds all that it held.\n", m.ToName, file)
	return err
}
