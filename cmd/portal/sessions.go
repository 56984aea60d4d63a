package main

import (
	"context"
	"fmt"
)

// sessionsCmd groups what is done to the sessions of many.
type sessionsCmd struct {
	EndAll sessionsEndAllCmd `cmd:"" help:"End every session, of all customers and operators or of one customer."`
}

type sessionsEndAllCmd struct {
	Customer string `help:"End the sessions of this customer only." placeholder:"NAME"`
}

// Run ends the sessions and says how many.
func (cmd *sessionsEndAllCmd) Run(ctx context.Context, c *cli, w world) error {
	return c.onData(ctx, w, func(s *services) error {
		ended, err := cmd.end(ctx, s)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w.Out, "Ended %d sessions. Everybody has to sign in again.\n", ended)
		return err
	})
}

func (cmd *sessionsEndAllCmd) end(ctx context.Context, s *services) (int64, error) {
	if cmd.Customer == "" {
		return s.admin.EndSessionsEverywhere(ctx, host())
	}
	actor, err := s.admin.As(ctx, host(), cmd.Customer)
	if err != nil {
		return 0, err
	}
	return s.admin.EndAllSessions(ctx, actor)
}
