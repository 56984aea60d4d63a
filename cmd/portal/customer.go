package main

import (
	"context"
	"fmt"
	"text/tabwriter"
)

// customerCmd groups what is done to customers.
type customerCmd struct {
	Add  customerAddCmd  `cmd:"" help:"Add a customer."`
	List customerListCmd `cmd:"" help:"List all customers."`
}

type customerAddCmd struct {
	Name string `arg:"" help:"The customer's name."`
}

// Run adds the customer and prints its name and identifier.
func (cmd *customerAddCmd) Run(ctx context.Context, c *cli, w world) error {
	return c.onData(ctx, w, func(s *services) error {
		customer, err := s.admin.AddCustomer(ctx, host(), cmd.Name)
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
		fmt.Fprintln(table, "NAME\tID\tSINCE")
		for _, customer := range customers {
			fmt.Fprintf(table, "%s\t%s\t%s\n", customer.Name, customer.ID, customer.CreatedAt.Format("2006-01-02"))
		}
		return table.Flush()
	})
}
