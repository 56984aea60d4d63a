package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"portal"
	"portal/internal/admin"
	"portal/internal/audit"
	"portal/internal/keeper"
)

// auditCmd groups what is done with the audit trail.
type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Find rows of the audit trail that were changed, removed, added or re-ordered beneath the portal."`
	Export auditExportCmd `cmd:"" help:"Write a customer's audit trail to standard output, newest event first."`
	Prune  auditPruneCmd  `cmd:"" help:"Take away events that are past their time, as the role that owns the database. What is left verifies as before."`
}

type auditVerifyCmd struct {
	Customer string `help:"Only the trail of this customer." placeholder:"NAME"`
}

// Run prints a line for each trail and one for each thing that is wrong; then
// it fails.
func (cmd *auditVerifyCmd) Run(ctx context.Context, c *cli, w world) error {
	return c.onData(ctx, w, func(s *services) error {
		trails, err := s.trails(ctx, cmd.Customer)
		if err != nil {
			return err
		}
		wrong := 0
		for _, actor := range trails {
			report, err := s.audit.Verify(ctx, actor)
			if err != nil {
				return err
			}
			wrong += len(report.Findings)
			printReport(w.Out, actor, report)
		}
		if wrong > 0 {
			return errors.New("the audit trail is not as the portal wrote it; keep a copy of the database as it is, and ask who could write to it")
		}
		return nil
	})
}

type auditExportCmd struct {
	Customer string    `help:"The customer; without it, events that concern no customer." placeholder:"NAME"`
	Format   string    `help:"jsonl (one JSON object a line) or csv." enum:"jsonl,csv" default:"jsonl"`
	Person   string    `help:"Only events by or on this login ID." placeholder:"LOGIN"`
	From     time.Time `help:"The first day (UTC), like 2026-11-03." format:"2006-01-02" placeholder:"DATE"`
	Until    time.Time `help:"The last day (UTC)." format:"2006-01-02" placeholder:"DATE"`
}

// Run writes the export.
func (cmd *auditExportCmd) Run(ctx context.Context, c *cli, w world) error {
	return c.onData(ctx, w, func(s *services) error {
		actor, err := s.admin.As(ctx, host(), cmd.Customer)
		if err != nil {
			return err
		}
		q := admin.EventQuery{Person: cmd.Person, From: cmd.From, Until: cmd.Until}
		if !q.Until.IsZero() {
			q.Until = q.Until.AddDate(0, 0, 1) // the day itself belongs to it
		}
		export, err := s.admin.ExportEvents(ctx, actor, q, admin.Format(cmd.Format))
		if err != nil {
			return err
		}
		return export.To(ctx, w.Out)
	})
}

type auditPruneCmd struct {
	Customer string    `help:"Only the trail of this customer." placeholder:"NAME"`
	Before   time.Time `help:"Events before this day (UTC); without it, events past the 400 days that they are kept." format:"2006-01-02" placeholder:"DATE"`
}

// Run prunes trail by trail and says what is gone.
func (cmd *auditPruneCmd) Run(ctx context.Context, c *cli, w world) error {
	return c.onData(ctx, w, func(s *services) error {
		if err := keeper.Clock(ctx, s.store); err != nil {
			return fmt.Errorf("nothing was pruned: %w", err)
		}
		before := cmd.Before
		if before.IsZero() {
			before = s.audit.Due()
		}
		if before.After(w.Now()) {
			return errors.New("--before lies in the future")
		}
		trails, err := s.trails(ctx, cmd.Customer)
		if err != nil {
			return err
		}
		for _, actor := range trails {
			gone, err := s.audit.Prune(ctx, actor, before)
			if err != nil {
				return err
			}
			fmt.Fprintf(w.Out, "%s: %d events before %s are gone.\n", trailName(actor), gone, before.Format(time.DateOnly))
		}
		return nil
	})
}

// trails are the host's actor bound to each customer, and to the installation
// itself; or to the one that is named.
func (s *services) trails(ctx context.Context, name string) ([]portal.Actor, error) {
	if name != "" {
		actor, err := s.admin.As(ctx, host(), name)
		return []portal.Actor{actor}, err
	}
	customers, err := s.admin.Customers(ctx, host())
	trails := []portal.Actor{host()}
	for _, c := range customers {
		actor := host()
		actor.CustomerID, actor.CustomerName = c.ID, c.Name
		trails = append(trails, actor)
	}
	return trails, err
}

// trailName is the name of a customer's trail, or of the installation's.
func trailName(actor portal.Actor) string {
	if actor.CustomerName == "" {
		return "(installation)"
	}
	return actor.CustomerName
}

func printReport(out io.Writer, actor portal.Actor, r audit.Report) {
	sealed := "never"
	if !r.SealedAt.IsZero() {
		sealed = r.SealedAt.Format(time.DateTime)
	}
	fmt.Fprintf(out, "%s: %d events sealed, %d waiting; last seal %d of %s UTC, hash %x\n", trailName(actor), r.Events, r.Waiting, r.Number, sealed, r.Hash)
	for _, f := range r.Findings {
		fmt.Fprintf(out, "  WRONG: %s\n", f)
	}
}
