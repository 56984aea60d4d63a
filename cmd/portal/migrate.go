package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"portal/internal/store"
)

// migrateCmd brings the schema up to date where the service may not (CF-04).
type migrateCmd struct {
	Plan        bool   `help:"Show what would run, and change nothing."`
	ServiceRole string `help:"Give this PostgreSQL role what the service needs, and no more." placeholder:"ROLE"`
}

// Run applies what is missing. It needs no key ring: the owner of the database
// need not be able to read what it holds.
func (cmd *migrateCmd) Run(ctx context.Context, c *cli, w world) error {
	known, err := c.belongs()
	if err == nil {
		err = c.refuseStray(known)
	}
	if err != nil {
		return err
	}
	if cmd.Plan {
		return c.plan(ctx, w)
	}
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
		return tellWanting(ctx, data, w)
	}
	if err := data.GrantService(ctx, cmd.ServiceRole); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w.Out, "The role %s may run the portal and may not change the schema or the audit trail.\n", cmd.ServiceRole)
	return err
}

// tellWanting warns of a service that would not start on the new schema.
func tellWanting(ctx context.Context, data *store.Store, w world) error {
	roles, err := data.Wanting(ctx)
	for _, role := range roles {
		fmt.Fprintf(w.Err, "WARNING: the role %s has no right to some of the tables. If the portal runs with it, run portal migrate --service-role %s as well: it does not start before.\n", role, role)
	}
	return err
}

// plan shows what migrate would do.
func (c *cli) plan(ctx context.Context, w world) error {
	applied, steps, err := store.Plan(ctx, store.Config{Database: c.Database, DataFolder: c.Data, Now: w.Now})
	if err != nil {
		return err
	}
	if len(steps) == 0 {
		_, err := fmt.Fprintf(w.Out, "The schema is up to date (migrations: %d). Nothing would run.\n", applied)
		return err
	}
	fmt.Fprintf(w.Out, "Migrations that have run: %d. These would run, in one transaction (all of them, or none):\n", applied)
	for _, step := range steps {
		if applied == 0 {
			fmt.Fprintf(w.Out, "%s (statements: %d)\n", step.Name, len(step.Statements))
			continue
		}
		fmt.Fprintf(w.Out, "%s (statements: %d): %s\n", step.Name, len(step.Statements), kindOf(step))
		for _, statement := range step.Statements {
			fmt.Fprintf(w.Out, "  %s%s\n", short(statement.Text), rows(statement))
		}
	}
	_, err = fmt.Fprintln(w.Out, "Nothing was changed.")
	return err
}

// kindOf says what a step means for programs that run meanwhile.
func kindOf(step store.Step) string {
	switch {
	case step.Adds:
		return "it only adds; older programs that are running go on"
	case len(step.Behind) > 0:
		return "it takes away what these running nodes still need, and would be refused: " + strings.Join(step.Behind, ", ")
	case step.Since != "":
		return "it takes away what programs that do not know " + step.Since + " need; none of them may be running"
	}
	return "it is from before the first release; stop older programs first"
}

// rows says how much a statement has to do with, where that is known.
func rows(s store.Statement) string {
	if s.Rows == 0 {
		return ""
	}
	return fmt.Sprintf("  (%s has about %d rows)", s.Table, s.Rows)
}

// short cuts a statement to the width of a line.
func short(text string) string {
	const width = 100
	if cut := []rune(text); len(cut) > width {
		return string(cut[:width-1]) + "…"
	}
	return text
}
