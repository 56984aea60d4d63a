package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"text/tabwriter"
	"time"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
)

// userCmd groups what is done to users.
type userCmd struct {
	Add        userAddCmd        `cmd:"" help:"Add a user; without --password-stdin a one-time link is printed."`
	List       userListCmd       `cmd:"" help:"List the users of a customer."`
	Show       userShowCmd       `cmd:"" help:"Show one user."`
	Suspend    userSuspendCmd    `cmd:"" help:"Close an account until it is reactivated."`
	Reactivate userReactivateCmd `cmd:"" help:"Open a suspended account again."`
	Thaw       userThawCmd       `cmd:"" help:"Open an account again that was frozen by \"this was not me\"."`
	Invite     userInviteCmd     `cmd:"" help:"Print a new one-time link for a user who has no password yet."`
	Unlock     userUnlockCmd     `cmd:"" help:"Forget the wrong tries of a user who has to wait at the sign-in page."`
	Demand     userDemandCmd     `cmd:"" name:"demand-password" help:"End the sessions of a user whose password somebody else knows, and wait for a new one."`
	SetEmail   userSetEmailCmd   `cmd:"" name:"set-email" help:"Give a user another e-mail address at once, without the person's confirmation."`
	Delete2FA  userDelete2FACmd  `cmd:"" name:"delete-2fa" help:"Delete the 2FA setup of a user who lost the phone."`
}

type userAddCmd struct {
	Customer      string `help:"The customer's name; not for operators." placeholder:"NAME"`
	Role          string `help:"user, administrator or operator." enum:"user,administrator,operator" default:"user"`
	Name          string `help:"The person's name." required:""`
	Email         string `help:"The person's e-mail address." required:""`
	PasswordStdin bool   `help:"Read the password from the first line of standard input."`
	linkFlags
	Login string `arg:"" help:"The login ID."`
}

// Run adds the user, with the password from standard input or with a link.
func (cmd *userAddCmd) Run(ctx context.Context, c *cli, w world) error {
	in := admin.NewUser{LoginID: cmd.Login, Name: cmd.Name, Email: cmd.Email, Role: cmd.Role}
	return c.onData(ctx, w, func(s *services) error {
		actor, err := s.admin.As(ctx, host(), cmd.Customer)
		if err != nil {
			return err
		}
		if cmd.PasswordStdin {
			return addWithPassword(ctx, s, actor, in, w)
		}
		base, err := cmd.links(c, w)
		if err != nil {
			return err
		}
		invited, err := s.admin.AddUserWithLink(ctx, actor, in)
		if err != nil {
			return err
		}
		fmt.Fprintf(w.Out, "Added %s %s. ", in.Role, invited.User.LoginID)
		return printLink(w, base, invited)
	})
}

// maxPasswordInput is far above what a password may have.
const maxPasswordInput = 4 << 10

func addWithPassword(ctx context.Context, s *services, actor portal.Actor, in admin.NewUser, w world) error {
	text, err := io.ReadAll(io.LimitReader(w.In, maxPasswordInput))
	if err != nil {
		return err
	}
	user, err := s.admin.AddUserWithPassword(ctx, actor, in, firstLine(text))
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w.Out, "Added %s %s.\n", in.Role, user.LoginID)
	return err
}

func printLink(w world, base *url.URL, invited admin.Invited) error {
	_, err := fmt.Fprintf(w.Out, "Pass this link on; it works once, until %s:\n  %s/link/%s\n",
		invited.ExpiresAt.UTC().Format(time.RFC1123), base, invited.Token)
	return err
}

type userListCmd struct {
	Customer string `help:"The customer's name; without it the operators." placeholder:"NAME"`
	Search   string `help:"Beginning of a login ID, a name or an e-mail address." placeholder:"TEXT"`
}

// Run lists all users of the customer, page by page.
func (cmd *userListCmd) Run(ctx context.Context, c *cli, w world) error {
	return c.onData(ctx, w, func(s *services) error {
		actor, err := s.admin.As(ctx, host(), cmd.Customer)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(w.Out, 0, 4, 2, ' ', 0)
		fmt.Fprintln(table, "LOGIN ID\tNAME\tROLE\tSTATE\t2FA")
		for query := (admin.UserQuery{Search: cmd.Search}); ; {
			page, err := s.admin.Users(ctx, actor, query)
			if err != nil {
				return err
			}
			for _, u := range page.Users {
				fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", u.LoginID, u.Name, u.Role.Label(), u.StateLabel(), u.TwoFactor().AdminLabel())
			}
			if page.Next == "" {
				return table.Flush()
			}
			query.After = page.Next
		}
	})
}

type userShowCmd struct {
	Login string `arg:"" help:"The login ID."`
}

// Run shows state and dates of one user, nothing secret.
func (cmd *userShowCmd) Run(ctx context.Context, c *cli, w world) error {
	return c.onUser(ctx, w, cmd.Login, func(s *services, actor portal.Actor, user portal.User) error {
		detail, err := s.admin.User(ctx, actor, user.ID)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(w.Out, 0, 4, 2, ' ', 0)
		for _, line := range [][2]string{
			{"Login ID", user.LoginID}, {"Name", user.Name}, {"E-mail", user.Email}, {"Customer", actor.CustomerName},
			{"Role", user.Role.Label()}, {"State", user.StateLabel()},
			{"Two factor", user.TwoFactor().AdminLabel()}, {"since", day(detail.TwoFactorSince)},
			{"Last sign-in", day(detail.LastSignIn)}, {"Sessions", fmt.Sprint(detail.Sessions)}, {"Added", day(user.CreatedAt)},
		} {
			fmt.Fprintf(table, "%s\t%s\n", line[0], line[1])
		}
		return table.Flush()
	})
}

func day(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}

type userInviteCmd struct {
	linkFlags
	Login string `arg:"" help:"The login ID."`
}

// Run makes a new link; the one before is void.
func (cmd *userInviteCmd) Run(ctx context.Context, c *cli, w world) error {
	return c.onUser(ctx, w, cmd.Login, func(s *services, actor portal.Actor, user portal.User) error {
		base, err := cmd.links(c, w)
		if err != nil {
			return err
		}
		invited, err := s.admin.Invite(ctx, actor, user.ID, auth.Proof{})
		if err != nil {
			return err
		}
		return printLink(w, base, invited)
	})
}

type userUnlockCmd struct {
	Login string `arg:"" help:"The login ID."`
}

// Run forgets the user's wrong tries.
func (cmd *userUnlockCmd) Run(ctx context.Context, c *cli, w world) error {
	return c.help(ctx, w, cmd.Login, (*admin.Service).Unlock, "Forgot the wrong tries of %s.\n")
}

type userSuspendCmd struct {
	Login string `arg:"" help:"The login ID."`
}

// Run suspends the user and ends the sessions.
func (cmd *userSuspendCmd) Run(ctx context.Context, c *cli, w world) error {
	return c.help(ctx, w, cmd.Login, (*admin.Service).Suspend, "Suspended %s. All sessions have ended.\n")
}

type userReactivateCmd struct {
	Login string `arg:"" help:"The login ID."`
}

// Run reactivates the user.
func (cmd *userReactivateCmd) Run(ctx context.Context, c *cli, w world) error {
	return c.help(ctx, w, cmd.Login, (*admin.Service).Reactivate, "Reactivated %s.\n")
}

type userThawCmd struct {
	Login string `arg:"" help:"The login ID."`
}

// Run opens a frozen account again.
func (cmd *userThawCmd) Run(ctx context.Context, c *cli, w world) error {
	return c.onUser(ctx, w, cmd.Login, func(s *services, actor portal.Actor, user portal.User) error {
		if _, err := s.admin.Thaw(ctx, actor, user.ID, auth.Proof{}); err != nil {
			return err
		}
		says := "It needs a new password, behind \"Forgot your password?\" on the sign-in page."
		if user.Invited {
			says = "It has no password yet and its invitation has ended; make a new one with: portal user invite " + user.LoginID
		}
		_, err := fmt.Fprintf(w.Out, "The account of %s is open again. %s\n", user.LoginID, says)
		return err
	})
}

type userSetEmailCmd struct {
	Login string `arg:"" help:"The login ID."`
	Email string `arg:"" help:"The new address."`
}

// Run sets the address and ends the sessions.
func (cmd *userSetEmailCmd) Run(ctx context.Context, c *cli, w world) error {
	return c.onUser(ctx, w, cmd.Login, func(s *services, actor portal.Actor, user portal.User) error {
		if err := s.admin.SetEmail(ctx, actor, user.ID, cmd.Email); err != nil {
			return err
		}
		fmt.Fprintf(w.Out, "Mail to %s goes to %s now. The address before is told.\n", user.LoginID, cmd.Email)
		if !user.Invited {
			return nil
		}
		_, err := fmt.Fprintf(w.Out, "The open invitation is void; make a new one with: portal user invite %s\n", user.LoginID)
		return err
	})
}

type userDelete2FACmd struct {
	Reason string `help:"Why; it stands in the audit trail." default:"deleted on the host" placeholder:"TEXT"`
	Login  string `arg:"" help:"The login ID."`
}

// Run deletes the 2FA setup and ends the sessions.
func (cmd *userDelete2FACmd) Run(ctx context.Context, c *cli, w world) error {
	return c.onUser(ctx, w, cmd.Login, func(s *services, actor portal.Actor, user portal.User) error {
		if _, err := s.admin.DeleteTwoFactor(ctx, actor, user.ID, cmd.Reason, auth.Proof{}); err != nil {
			return err
		}
		_, err := fmt.Fprintf(w.Out, "Deleted the 2FA setup of %s. Login ID and password open the account now.\n", user.LoginID)
		return err
	})
}

type userDemandCmd struct {
	Reason string `help:"Why; it stands in the audit trail and in the mail." default:"demanded on the host" placeholder:"TEXT"`
	Login  string `arg:"" help:"The login ID."`
}

// Run ends the sessions and waits for a new password.
func (cmd *userDemandCmd) Run(ctx context.Context, c *cli, w world) error {
	return c.onUser(ctx, w, cmd.Login, func(s *services, actor portal.Actor, user portal.User) error {
		if _, err := s.admin.DemandPassword(ctx, actor, user.ID, cmd.Reason, auth.Proof{}); err != nil {
			return err
		}
		_, err := fmt.Fprintf(w.Out, "%s needs a new password. All sessions have ended.\n", user.LoginID)
		return err
	})
}

// onUser runs a command on the user whom a login ID names, of any customer.
func (c *cli) onUser(ctx context.Context, w world, login string, do func(*services, portal.Actor, portal.User) error) error {
	return c.onData(ctx, w, func(s *services) error {
		actor, user, err := s.admin.Find(ctx, host(), login)
		if err != nil {
			return err
		}
		return do(s, actor, user)
	})
}

// help is a use case of administrators that needs no more than the user.
type help func(*admin.Service, context.Context, portal.Actor, portal.UserID, auth.Proof) (auth.Renewed, error)

// help does it to the user whom a login ID names, and says so.
func (c *cli) help(ctx context.Context, w world, login string, do help, done string) error {
	return c.onUser(ctx, w, login, func(s *services, actor portal.Actor, user portal.User) error {
		if _, err := do(s.admin, ctx, actor, user.ID, auth.Proof{}); err != nil {
			return err
		}
		_, err := fmt.Fprintf(w.Out, done, user.LoginID)
		return err
	})
}
