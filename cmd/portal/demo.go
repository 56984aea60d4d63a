package main

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"text/tabwriter"
	"time"

	"portal"
	"portal/internal/auth"
	"portal/internal/otp"
)

// demoCmd fills a data folder of its own with three invented customers.
type demoCmd struct{}

const (
	demoFolder   = "./demo-data"
	usualFolder  = "./portal-data"
	demoPassword = "demo password for everyone"
	demoDays     = 60 // how far back the invented past begins
)

// demoCustomers are who the demo is about, and how many people work there.
func demoCustomers() []demoCustomer {
	return []demoCustomer{
		{"Northwind Telecom", "northwind.example", 220},
		{"Harbour Freight Lines", "harbour.example", 90},
		{"Blue Kettle Tea", "bluekettle.example", 30},
	}
}

type demoCustomer struct {
	name, domain string
	people       int
}

// Run invents two months of life in the portal, through the same use cases
// that pages and commands call, on a clock that it moves itself.
func (cmd *demoCmd) Run(ctx context.Context, c *cli, w world) error {
	if c.Data == usualFolder && c.Database == "" {
		c.Data = demoFolder
	}
	clock := &demoClock{at: w.Now().Add(-demoDays * 24 * time.Hour)}
	moved := w
	moved.Now = clock.now
	return c.onData(ctx, moved, func(s *services) error {
		chance := rand.New(rand.NewPCG(2026, 11)) // #nosec G404 -- invented people, the same ones each time
		d := &demo{services: s, w: w, clock: clock, chance: chance, taken: map[string]bool{}}
		if err := d.fill(ctx); err != nil {
			return err
		}
		return d.explain(c)
	})
}

// demoClock is the time of the invented past. It ends before the present, so
// that the codes it spends do not stand in anybody's way.
type demoClock struct{ at time.Time }

func (c *demoClock) now() time.Time { return c.at }

// demo is the invention under way.
type demo struct {
	*services
	w      world
	clock  *demoClock
	step   time.Duration // from one person to the next
	chance *rand.Rand
	taken  map[string]bool
	known  []acquaintance
}

// acquaintance is an account that the demo tells how to sign in to.
type acquaintance struct{ customer, login, role, state, key string }

// errNotEmpty says that the folder holds real data.
var errNotEmpty = errors.New("this data folder has customers already; the demo fills an empty one. Choose another with --data")

func (d *demo) fill(ctx context.Context) error {
	have, err := d.admin.Customers(ctx, host())
	if err != nil {
		return err
	}
	if len(have) > 0 {
		return errNotEmpty
	}
	people := 0
	for _, customer := range demoCustomers() {
		people += customer.people
	}
	d.step = (demoDays - 1) * 24 * time.Hour / time.Duration(people)
	fmt.Fprintf(d.w.Out, "Inventing %d people; this takes about half a minute …\n", people)
	for _, customer := range demoCustomers() {
		if err := d.settle(ctx, customer); err != nil {
			return fmt.Errorf("%s: %w", customer.name, err)
		}
	}
	return d.emptyOutbox(ctx)
}

// emptyOutbox takes the mails of the invented life as sent, so that none goes
// out where the demo is served with a mail server.
func (d *demo) emptyOutbox(ctx context.Context) error {
	const batch = 100
	for {
		mails, err := d.store.ClaimMails(ctx, batch, time.Minute)
		if err != nil || len(mails) == 0 {
			return err
		}
		for _, m := range mails {
			if _, err := d.store.MailSent(ctx, m); err != nil {
				return err
			}
		}
	}
}

// settle founds a customer and moves its people in.
func (d *demo) settle(ctx context.Context, c demoCustomer) error {
	if _, err := d.admin.AddCustomer(ctx, host(), c.name); err != nil {
		return err
	}
	actor, err := d.admin.As(ctx, host(), c.name)
	if err != nil {
		return err
	}
	for i := range c.people {
		d.clock.at = d.clock.at.Add(d.step)
		if err := d.moveIn(ctx, actor, c, i); err != nil {
			return err
		}
	}
	fmt.Fprintf(d.w.Out, "  %s: %d people\n", c.name, c.people)
	return nil
}

// fate is what becomes of a person, by number: the first few are
// those whom the demo introduces, the rest is by chance.
func (d *demo) fate(number int) string {
	introduced := []string{"administrator", "administrator with 2FA", "enabled", "disabled", "none", "suspended"}
	if number < len(introduced) {
		return introduced[number]
	}
	switch n := d.chance.IntN(100); {
	case n < 58:
		return "enabled"
	case n < 66:
		return "disabled"
	case n < 70:
		return "invited"
	case n < 73:
		return "suspended"
	case n < 75:
		return "pending"
	}
	return "none"
}

func (d *demo) moveIn(ctx context.Context, actor portal.Actor, c demoCustomer, number int) error {
	fate := d.fate(number)
	in := d.person(c)
	if strings.HasPrefix(fate, "administrator") {
		in.Role = string(portal.RoleAdministrator)
	}
	if fate == "invited" {
		_, err := d.admin.AddUserWithLink(ctx, actor, in)
		return err
	}
	user, err := d.admin.AddUserWithPassword(ctx, actor, in, demoPassword)
	if err != nil {
		return err
	}
	key, err := d.live(ctx, actor, user, fate)
	if err == nil && number < 6 {
		d.known = append(d.known, acquaintance{c.name, user.LoginID, in.Role, fate, key})
	}
	return err
}

// live takes a new user to the state that fate has in mind.
func (d *demo) live(ctx context.Context, actor portal.Actor, user portal.User, fate string) (key string, err error) {
	switch fate {
	case "enabled", "administrator with 2FA":
		_, key, err = d.enable(ctx, user)
	case "disabled":
		key, err = d.disable(ctx, user)
	case "pending":
		_, _, err = d.begin(ctx, user)
	case "suspended":
		_, err = d.admin.Suspend(ctx, actor, user.ID, auth.Proof{})
	}
	return key, err
}

func (d *demo) origin() portal.Origin {
	agents := []string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36",
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Safari/605.1.15",
		"Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
	}
	return portal.Origin{
		Address: fmt.Sprintf("198.51.100.%d", 1+d.chance.IntN(250)), Agent: agents[d.chance.IntN(len(agents))], RequestID: "demo",
	}
}

// begin signs in and starts a set-up; it returns the key on the phone.
func (d *demo) begin(ctx context.Context, user portal.User) (portal.Actor, string, error) {
	origin := d.origin()
	earned, err := d.auth.SignIn(ctx, origin, user.LoginID, demoPassword)
	if err != nil {
		return portal.Actor{}, "", err
	}
	actor, err := d.auth.Authenticate(ctx, origin, earned.Session)
	if err != nil {
		return portal.Actor{}, "", err
	}
	if _, err := d.auth.StartSetup(ctx, actor, auth.Proof{}); err != nil {
		return portal.Actor{}, "", err
	}
	account, err := d.auth.Account(ctx, actor)
	if err != nil {
		return portal.Actor{}, "", err
	}
	return actor, account.Setup.Key, nil
}

// enable lives through the set-up; the session goes on under a new token.
func (d *demo) enable(ctx context.Context, user portal.User) (session, key string, err error) {
	actor, key, err := d.begin(ctx, user)
	if err != nil {
		return "", "", err
	}
	code, err := d.code(key)
	if err != nil {
		return "", "", err
	}
	confirmed, err := d.auth.ConfirmSetup(ctx, actor, code)
	return confirmed.Session, key, err
}

// disable switches an enabled setup off and keeps it.
func (d *demo) disable(ctx context.Context, user portal.User) (key string, err error) {
	session, key, err := d.enable(ctx, user)
	if err != nil {
		return "", err
	}
	actor, err := d.auth.Authenticate(ctx, d.origin(), session)
	if err != nil {
		return "", err
	}
	code, err := d.code(key)
	if err != nil {
		return "", err
	}
	_, err = d.auth.DisableTwoFactor(ctx, actor, auth.Proof{Password: demoPassword, Code: code})
	return key, err
}

// code waits for the next time step and reads the phone.
func (d *demo) code(key string) (string, error) {
	d.clock.at = d.clock.at.Add(otp.Period)
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ReplaceAll(key, " ", ""))
	if err != nil {
		return "", err
	}
	return otp.Code(secret, otp.Step(d.clock.at)), nil
}

// explain says how to sign in as whom.
func (d *demo) explain(c *cli) error {
	fmt.Fprintf(d.w.Out, "\nEverybody's password is: %s\n\n", demoPassword)
	table := tabwriter.NewWriter(d.w.Out, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "CUSTOMER\tLOGIN ID\tWHO\tKEY FOR THE AUTHENTICATOR APP")
	for _, a := range d.known {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", a.customer, a.login, a.state, a.key)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(d.w.Out, "\nStart it with:\n  portal serve --data %s\n", c.Data)
	return err
}
