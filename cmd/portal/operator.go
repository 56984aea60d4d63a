package main

import (
	"context"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
)

// operatorCmd groups what concerns all operators. Single ones are users: portal
// user add --role operator.
type operatorCmd struct {
	Policy operatorPolicyCmd `cmd:"" help:"Show or set whether two-factor authentication is wanted of operators."`
}

type operatorPolicyCmd struct {
	From string `help:"The day from which it is required, as 2026-12-01 (UTC); without it at once." placeholder:"DAY"`
	Mode string `arg:"" optional:"" help:"off, recommended or required; without it nothing is changed." enum:"off,recommended,required," default:""`
}

// Run changes the policy where a mode is named, and shows how it stands.
func (cmd *operatorPolicyCmd) Run(ctx context.Context, c *cli, w world) error {
	if cmd.From != "" && cmd.Mode != string(portal.PolicyRequired) {
		return errFromAlone
	}
	return c.onData(ctx, w, func(s *services) error {
		if cmd.Mode != "" {
			if err := cmd.set(ctx, s, w); err != nil {
				return err
			}
		}
		return showPolicy(ctx, s, host(), w)
	})
}

func (cmd *operatorPolicyCmd) set(ctx context.Context, s *services, w world) error {
	now, _, err := s.admin.Policy(ctx, host())
	if err != nil {
		return err
	}
	wanted := now
	if wanted.Administrator, err = policyOf(cmd.Mode, cmd.From, w.Now()); err != nil || wanted == now {
		return err
	}
	_, err = s.admin.SetPolicy(ctx, host(), admin.PolicyChange{Policies: wanted}, auth.Proof{})
	return err
}
