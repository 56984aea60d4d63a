package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
)

// customerCmd groups what is done to customers.
type customerCmd struct {
	Add        customerAddCmd        `cmd:"" help:"Add a customer."`
	List       customerListCmd       `cmd:"" help:"List all customers."`
	Suspend    customerSuspendCmd    `cmd:"" help:"Close all accounts of a customer; sessions and links end at once."`
	Reactivate customerReactivateCmd `cmd:"" help:"Open the accounts of a suspended customer again."`
	Policy     customerPolicyCmd     `cmd:"" help:"Show or set whether a customer wants two-factor authentication of its people."`
}

type customerAddCmd struct {
	Require2FA string `name:"require-2fa" help:"Of whom 2FA is required: administrators or everybody. Without it everybody may choose." enum:"administrators,everybody," default:"" placeholder:"WHOM"`
	From       string `help:"The day from which it is required, as 2026-12-01 (UTC); without it at once." placeholder:"DAY"`
	Name       string `arg:"" help:"The customer's name."`
}

// Run adds the customer and prints its name and identifier.
func (cmd *customerAddCmd) Run(ctx context.Context, c *cli, w world) error {
	policies := portal.DefaultPolicies()
	if cmd.Require2FA != "" || cmd.From != "" {
		required, err := policyOf(string(portal.PolicyRequired), cmd.From, w.Now())
		switch {
		case err != nil:
			return err
		case cmd.Require2FA == "":
			return errFromAlone
		case cmd.Require2FA == "everybody":
			policies.User = required
		}
		policies.Administrator = required
	}
	return c.onData(ctx, w, func(s *services) error {
		customer, err := s.admin.AddCustomerUnder(ctx, host(), cmd.Name, policies)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w.Out, "Added customer %s (%s).\n", customer.Name, customer.ID)
		return err
	})
}

type customerListCmd struct{}

// Run lists the customers by name.
func (cmd *customerListCmd) Run(ctx context.Context, c *cli, w world) error {
	return c.onData(ctx, w, func(s *services) error {
		customers, err := s.admin.Customers(ctx, host())
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(w.Out, 0, 4, 2, ' ', 0)
		fmt.Fprintln(table, "NAME\tID\tSINCE\tSTATE")
		for _, customer := range customers {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", customer.Name, customer.ID, customer.CreatedAt.Format("2006-01-02"), customer.StateLabel())
		}
		return table.Flush()
	})
}

type customerPolicyCmd struct {
	Users          string `help:"What is wanted of users: off, recommended or required." enum:"off,recommended,required," default:"" placeholder:"MODE"`
	Administrators string `help:"What is wanted of administrators: off, recommended or required." enum:"off,recommended,required," default:"" placeholder:"MODE"`
	From           string `help:"The day from which it is required, as 2026-12-01 (UTC); without it at once." placeholder:"DAY"`
	Name           string `arg:"" help:"The customer's name."`
}

// Run changes what is named, and shows how the policy stands.
func (cmd *customerPolicyCmd) Run(ctx context.Context, c *cli, w world) error {
	return c.onData(ctx, w, func(s *services) error {
		actor, err := s.admin.As(ctx, host(), cmd.Name)
		if err != nil {
			return err
		}
		now, _, err := s.admin.Policy(ctx, actor)
		if err != nil {
			return err
		}
		wanted, err := cmd.wanted(now, w.Now())
		if err != nil {
			return err
		}
		if wanted != now {
			if _, err := s.admin.SetPolicy(ctx, actor, admin.PolicyChange{Policies: wanted}, auth.Proof{}); err != nil {
				return err
			}
		}
		return showPolicy(ctx, s, actor, w)
	})
}

// wanted is the present policy with what the flags name.
func (cmd *customerPolicyCmd) wanted(now portal.Policies, at time.Time) (portal.Policies, error) {
	if cmd.From != "" && cmd.Users != string(portal.PolicyRequired) && cmd.Administrators != string(portal.PolicyRequired) {
		return now, errFromAlone
	}
	for _, role := range []struct {
		mode   string
		policy *portal.Policy
	}{{cmd.Users, &now.User}, {cmd.Administrators, &now.Administrator}} {
		if role.mode == "" {
			continue
		}
		var err error
		if *role.policy, err = policyOf(role.mode, cmd.From, at); err != nil {
			return now, err
		}
	}
	return now, nil
}

var errFromAlone = fmt.Errorf("--from goes with what is required: say of whom")

// policyOf reads a policy from flags; required without a day begins at once.
func policyOf(mode, from string, now time.Time) (portal.Policy, error) {
	p := portal.Policy{Mode: portal.PolicyMode(mode)}
	if p.Mode != portal.PolicyRequired {
		return p, nil
	}
	p.From = now
	if from == "" {
		return p, nil
	}
	day, err := time.Parse(time.DateOnly, from)
	if err != nil {
		return p, fmt.Errorf("--from %q is not a day; it looks like 2026-12-01", from)
	}
	p.From = day
	return p, nil
}

func showPolicy(ctx context.Context, s *services, actor portal.Actor, w world) error {
	_, roles, err := s.admin.Policy(ctx, actor)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(w.Out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "ROLE\t2FA\tWITHOUT 2FA")
	for _, r := range roles {
		fmt.Fprintf(table, "%s\t%s\t%d of %d\n", r.Role.Label(), r.Policy.Words(), r.Without(), r.Total())
	}
	return table.Flush()
}

type customerSuspendCmd struct {
	Name string `arg:"" help:"The customer's name."`
}

// Run closes all accounts of the customer.
func (cmd *customerSuspendCmd) Run(ctx context.Context, c *cli, w world) error {
	return c.onCustomer(ctx, w, cmd.Name, (*admin.Service).SuspendCustomer, "Suspended %s. All sessions have ended and links are void.\n")
}

type customerReactivateCmd struct {
	Name string `arg:"" help:"The customer's name."`
}

// Run opens the accounts of the customer again.
func (cmd *customerReactivateCmd) Run(ctx context.Context, c *cli, w world) error {
	return c.onCustomer(ctx, w, cmd.Name, (*admin.Service).ReopenCustomer, "Reactivated %s. Invitations that were open have to be sent anew.\n")
}

// onCustomer does it to the customer of that name, and says so.
func (c *cli) onCustomer(ctx context.Context, w world, name string, do func(*admin.Service, context.Context, portal.Actor) error, done string) error {
	return c.onData(ctx, w, func(s *services) error {
		actor, err := s.admin.As(ctx, host(), name)
		if err != nil {
			return err
		}
		if err := do(s.admin, ctx, actor); err != nil {
			return err
		}
		_, err = fmt.Fprintf(w.Out, done, actor.CustomerName)
		return err
	})
}
