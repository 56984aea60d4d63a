package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"portal/internal/mail"
	"portal/internal/store"
)

// mailCmd groups what the operator does with the outbox.
type mailCmd struct {
	List mailListCmd `cmd:"" help:"List the mails that have not gone out."`
	Show mailShowCmd `cmd:"" help:"Show mails that have not gone out. It is recorded in the audit trail."`
}

type mailListCmd struct {
	All bool `help:"Also those that were sent."`
}

// Run lists the outbox, oldest first.
func (cmd *mailListCmd) Run(ctx context.Context, c *cli, w world) error {
	return c.onData(ctx, w, func(s *services) error {
		table := tabwriter.NewWriter(w.Out, 0, 4, 2, ' ', 0)
		fmt.Fprintln(table, "ID\tWRITTEN\tSTATE\tTRIES\tTO\tKIND\tLAST ERROR")
		err := mail.New(mail.Config{Store: s.store}).List(ctx, host(), cmd.All, func(m store.Mail) error {
			_, err := fmt.Fprintf(table, "%s\t%s\t%s\t%d\t%s\t%s\t%s\n", m.ID, day(m.CreatedAt), m.State, m.Tries, m.Recipient, m.Kind, m.LastError)
			return err
		})
		if err != nil {
			return err
		}
		return table.Flush()
	})
}

type mailShowCmd struct {
	linkFlags
	ID []string `arg:"" help:"The ids of mails, as portal mail list shows them."`
}

// Run prints mails as plain text, with the links that work.
func (cmd *mailShowCmd) Run(ctx context.Context, c *cli, w world) error {
	base, err := cmd.links(c, w)
	if err != nil {
		return err
	}
	return c.onData(ctx, w, func(s *services) error {
		post := mail.New(mail.Config{Store: s.store, Ring: s.ring, BaseURL: base})
		for _, id := range cmd.ID {
			m, err := post.Show(ctx, host(), id)
			if err != nil {
				return err
			}
			fmt.Fprintf(w.Out, "Mail %s\nTo: %s\nSubject: %s\n\n%s\n", id, m.To, m.Subject, m.Text)
		}
		return nil
	})
}
