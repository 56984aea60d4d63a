package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"portal/internal/store"
)

// belonging is what a data folder remembers of the database that a portal was
// served with last: a command that is told of none would find an empty SQLite
// beside the key ring of a PostgreSQL, and a mistyped one another database.
type belonging struct {
	// Database tells people which it is, without a password.
	Database string    `json:"database"`
	Born     time.Time `json:"born"`
}

// placeOf names a database to people.
func placeOf(database string) string {
	if database == "" {
		return "SQLite in this folder"
	}
	return store.Place(database)
}

func (c *cli) belongingFile() string { return filepath.Join(c.Data, "database.json") }

// belongs reads what the data folder remembers; nothing where no portal was
// served from it.
func (c *cli) belongs() (b belonging, err error) {
	text, err := os.ReadFile(c.belongingFile())
	if errors.Is(err, fs.ErrNotExist) {
		return b, nil
	}
	if err == nil && (json.Unmarshal(text, &b) != nil || b.Born.IsZero()) {
		err = fmt.Errorf("%s cannot be read; remove it, and the next start of the portal makes it anew", c.belongingFile())
	}
	return b, err
}

// rememberDatabase notes the database that this folder belongs to from now on.
func (c *cli) rememberDatabase(ctx context.Context, database string, data *store.Store) error {
	born, err := data.Born(ctx)
	if err != nil {
		return err
	}
	text, err := json.Marshal(belonging{placeOf(database), born})
	if err != nil {
		return err
	}
	return c.note(c.belongingFile(), string(text))
}

// forgetDatabase is for a folder into which another database is put.
func (c *cli) forgetDatabase() error {
	err := os.Remove(c.belongingFile())
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// refuseStray keeps a command from making an empty database beside a key ring
// that belongs to data somewhere else.
func (c *cli) refuseStray(b belonging) error {
	if c.Database != "" || present(filepath.Join(c.Data, "portal.db")) {
		return nil
	}
	if b.Database != "" {
		return c.otherDatabase(b, "no database was named, and there is no portal.db in the folder")
	}
	if ring := filepath.Join(c.Data, "keyring.json"); present(ring) {
		return fmt.Errorf("no database was named, and %s has a key ring and no portal.db: what was written with that ring is somewhere else. "+
			"Name its database with --database or PORTAL_DATABASE_FILE. To begin anew, move %s away. Nothing was made", c.Data, ring)
	}
	return nil
}

// otherDatabase says which one the folder belongs to, and what to do.
func (c *cli) otherDatabase(b belonging, seen string) error {
	do := "name that one with --database or PORTAL_DATABASE_FILE"
	if b.Database == placeOf("") {
		do = "leave --database, PORTAL_DATABASE and PORTAL_DATABASE_FILE out, or put that portal.db back"
	}
	return fmt.Errorf("the data folder %s belongs to another database: the portal was served with %s last; %s: %s. "+
		"Where the change is meant, remove %s and start again. Nothing was changed", c.Data, b.Database, seen, do, c.belongingFile())
}

func present(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
