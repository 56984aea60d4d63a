package main

import (
	"context"
	"errors"
	"fmt"

	"portal/internal/store"
)

// migrateCmd brings the schema up to date where the service may not (CF-04).
type migrateCmd struct {
	ServiceRole string `help:"Give this PostgreSQL role what the service needs, and no more." placeholder:"ROLE"`
}

// Run applies what is missing. It needs no key ring: the owner of the database
// need not be able to read what it holds.
func (cmd *migrateCmd) Run(ctx context.Context, c *cli, w world) error {
	if err := c.makeData(); err != nil {
		return err
	}
	data, err := store.Open(ctx, store.Config{Database: c.Database, DataFolder: c.Data, Now: w.Now})
	if err != nil {
		return err
	}
	return errors.Join(cmd.migrate(ctx, data, w), data.Close())
}

func (cmd *migrateCmd) migrate(ctx context.Context, data *store.Store, w world) error {
	fmt.Fprintln(w.Out, "The schema is up to date.")
	if cmd.ServiceRole == "" {
		return nil
	}
	if err := data.GrantService(ctx, cmd.ServiceRole); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w.Out, "The role %s may run the portal and may not change the schema or the audit trail.\n", cmd.ServiceRole)
	return err
}
