package web

import (
	"fmt"
	"time"

	"portal"
	"portal/internal/admin"
	"portal/internal/auth"
)

// sample is a page with a value that shows one of its faces.
type sample struct {
	name  string
	page  page
	actor portal.Actor
	query string
}

func noon() time.Time { return time.Date(2026, time.November, 3, 12, 0, 0, 0, time.UTC) }

const (
	chromeOnWindows = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"
	safariOnIPhone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1"
)

func wendy() portal.User {
	return portal.User{
		ID: "u-wendy", CustomerID: "c-north", LoginID: "wendy.okafor", Name: "Wendy Okafor", Email: "wendy@northwind.example",
		Role: portal.RoleUser, State: portal.UserActive, CreatedAt: noon().AddDate(0, -3, 0),
	}
}

func actorOf(u portal.User) portal.Actor {
	return portal.Actor{
		Kind: portal.ActorUser, UserID: u.ID, CustomerID: u.CustomerID, CustomerName: "Northwind Telecom",
		LoginID: u.LoginID, Name: u.Name, Role: u.Role, Stored: u.Stored,
	}
}

func gary() portal.User {
	u := wendy()
	u.ID, u.LoginID, u.Name, u.Role, u.Stored = "u-gary", "gary.wilson", "Gary Wilson", portal.RoleAdministrator, portal.TwoFactorEnabled
	return u
}

func badProblem(f portal.Field, message string) *problem {
	return &problem{status: 422, field: f, message: message}
}

func someEvents() []portal.Event {
	at := noon()
	event := func(id int64, a portal.Action, o portal.Outcome, who, whom, detail string) portal.Event {
		at = at.Add(-97 * time.Minute)
		return portal.Event{
			ID: id, At: at, Action: a, Outcome: o, ActorKind: portal.ActorUser, ActorLabel: who, TargetLabel: whom, Detail: detail,
			Origin: portal.Origin{Address: "192.0.2.44", Agent: chromeOnWindows},
		}
	}
	return []portal.Event{
		event(9, portal.SetupConfirmed, portal.Done, "wendy.okafor", "wendy.okafor", ""),
		event(8, portal.SetupConfirmed, portal.Refused, "wendy.okafor", "wendy.okafor", "wrong code"),
		event(7, portal.SetupDeleted, portal.Done, "gary.wilson", "wendy.okafor", "Lost phone; called back on the desk line <script>"),
		event(6, portal.SignedIn, portal.Done, "wendy.okafor", "wendy.okafor", "password"),
		event(5, portal.PasswordTried, portal.Refused, "", "wendy.okafor", "wrong password"),
	}
}

func someSessions() []auth.Session {
	return []auth.Session{
		{ID: "s-1", SignedInAt: noon().Add(-time.Hour), LastSeenAt: noon(), Address: "192.0.2.44", Agent: chromeOnWindows, Current: true},
		{ID: "s-2", SignedInAt: noon().Add(-26 * time.Hour), LastSeenAt: noon().Add(-3 * time.Hour), Address: "2001:db8::17:4242:9", Agent: safariOnIPhone},
	}
}

func someCodes() []string {
	codes := make([]string, 10)
	for i := range codes {
		codes[i] = fmt.Sprintf("ABCD%c-EFGHI-JKLMN-OPQRS-TUVW%c", 'A'+i, '2'+i%6)
	}
	return codes
}

// accountSample is the account in one 2FA state.
func accountSample(status portal.TwoFactorStatus, change func(*auth.Account), news accountNews) accountPage {
	account := auth.Account{User: wendy(), TwoFactor: status, RecoveryLeft: 8, Addresses: auth.Addresses{First: wendy().Email}}
	if status.HasSetup() {
		account.Authenticator = &auth.Authenticator{ConfirmedAt: noon().AddDate(0, -2, 0), LastUsedAt: noon().Add(-time.Hour)}
		account.KeptUntil = noon().AddDate(0, 0, 77)
	}
	if status.State == portal.TwoFactorPending || status.Replacing {
		account.Setup = &auth.Setup{
			URI: "otpauth://totp/Northwind%20Telecom%20Portal:wendy.okafor?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP" +
				"&issuer=Northwind%20Telecom%20Portal&algorithm=SHA1&digits=6&period=30",
			Key: "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP", ExpiresAt: noon().Add(14 * time.Minute),
		}
	}
	if change != nil {
		change(&account)
	}
	region, err := twoFactorOf(account, noon(), news.setup)
	if err != nil {
		panic(err)
	}
	enabled := status.State == portal.TwoFactorEnabled
	return accountPage{
		User: account.User, Customer: "Northwind Telecom", TwoFactor: region,
		Recovery:  recoveryRegion{Status: status, Left: account.RecoveryLeft, Codes: news.codes},
		Password:  passwordRegion{Ask: auth.Ask{Password: true, Code: enabled, Recovery: enabled}, LoginID: "wendy.okafor", Least: 15, Clock: clock(noon()), Problem: news.password},
		Addresses: addressesRegion{At: account.Addresses},
		Sessions:  someSessions(), Activity: activity{"wendy.okafor", someEvents()},
	}
}

func someHelp() []admin.HelpRequest {
	long := wendy()
	long.ID, long.LoginID, long.Name = "u-long", "a-very-long-login-id-that-goes-on-and-on@northwind.example", "Maximiliana Konstantinopolitanskaya-Featherstonehaugh <b>"
	return []admin.HelpRequest{
		{User: wendy(), At: noon(), Address: "192.0.2.44", Agent: chromeOnWindows},
		{User: long, At: noon(), Address: "2001:db8::17:4242:9", Agent: safariOnIPhone},
	}
}

func somePeople() admin.UserPage {
	people := []portal.User{gary(), wendy()}
	add := func(id, name string, role portal.Role, stored portal.TwoFactorState, state portal.UserState, invited bool) {
		u := wendy()
		u.ID, u.LoginID, u.Name, u.Role, u.Stored, u.State, u.Invited = portal.UserID("u-"+id), id, name, role, stored, state, invited
		people = append(people, u)
	}
	add("adaeze.obi", "Adaeze Obi", portal.RoleAdministrator, portal.TwoFactorEnabled, portal.UserActive, false)
	add("bjorn.lund", "Bjørn Lund", portal.RoleUser, portal.TwoFactorDisabled, portal.UserActive, false)
	add("chen.mei", "Chen Mei", portal.RoleUser, portal.TwoFactorNone, portal.UserActive, true)
	add("eve.suspended", "Eve Moss", portal.RoleUser, portal.TwoFactorEnabled, portal.UserSuspended, false)
	add("a-very-long-login-id-that-goes-on-and-on.and-on@northwind.example", "Maximiliana Konstantinopolitanskaya-Featherstonehaugh <b>", portal.RoleUser, portal.TwoFactorEnabled, portal.UserActive, false)
	return admin.UserPage{
		Users:    people,
		Counts:   map[portal.TwoFactorState]int64{portal.TwoFactorEnabled: 312, portal.TwoFactorDisabled: 21, portal.TwoFactorNone: 95},
		Previous: "u-before", Next: "u-after",
	}
}

func lastTime(newBrowser bool, tries int) portal.LastTime {
	return portal.LastTime{At: noon().Add(-26 * time.Hour), Address: "203.0.113.9", Agent: chromeOnWindows, NewBrowser: newBrowser, WrongTries: tries}
}

func fullProof(recovery bool, p *problem) proof {
	return proof{
		Ask:     auth.Ask{Password: true, Code: true, Recovery: true},
		LoginID: "gary.wilson", Recovery: recovery, path: "/account/2fa/disable", problem: p, now: noon(),
	}
}

// samples are all pages, each with the values that make it look different.
func samples() []sample {
	user, boss := actorOf(wendy()), actorOf(gary())
	var all []sample
	add := func(actor portal.Actor, name string, p page) {
		all = append(all, sample{name: name, page: p, actor: actor})
	}
	addStrangerSamples(func(name string, p page) { add(portal.Actor{}, name, p) })
	owing := user
	owing.Owes = portal.OwesSetup
	addAccountSamples(func(name string, p page) { add(user, name, p) }, func(name string, p page) { add(owing, name, p) })
	addAdministrationSamples(func(name string, p page) { add(boss, name, p) })
	addPolicySamples(func(name string, p page) { add(boss, name, p) })
	all = append(all, comingSamples()...)
	all = append(all,
		sample{name: "home-none", page: homePage{Name: "Wendy Okafor", Status: portal.StatusOf(portal.TwoFactorNone, false)}, actor: user},
		sample{name: "home-admin", page: homePage{Name: "Gary Wilson", Status: portal.StatusOf(portal.TwoFactorEnabled, false), Administer: true, Last: lastTime(false, 0)}, actor: boss},
		sample{name: "home-help", page: homePage{Name: "Gary Wilson", Status: portal.StatusOf(portal.TwoFactorEnabled, false), Administer: true, Help: someHelp()}, actor: boss},
		sample{name: "home-tries", page: homePage{Name: "Wendy Okafor", Status: portal.StatusOf(portal.TwoFactorEnabled, false), Last: lastTime(true, 23)}, actor: user},
		sample{name: "home-try", page: homePage{Name: "Wendy Okafor", Status: portal.StatusOf(portal.TwoFactorEnabled, false), Last: lastTime(false, 1)}, actor: user},
		sample{name: "home-kept", page: homePage{Name: "Wendy Okafor", Status: portal.StatusOf(portal.TwoFactorDisabled, false)}, actor: user},
		sample{name: "signin-notice", page: signInPage{}, query: "ready"},
		sample{name: "account-notice", page: accountSample(portal.StatusOf(portal.TwoFactorEnabled, false), nil, accountNews{}), actor: user, query: "password-changed"},
	)
	return all
}

func addStrangerSamples(add func(string, page)) {
	link := auth.Link{LoginID: "wendy.okafor", Name: "Wendy Okafor", CustomerName: "Northwind Telecom", LeastPassword: 15, ExpiresAt: noon()}
	add("signin", signInPage{})
	add("signin-wrong", signInPage{Problem: badProblem("", "Login ID or password is not right."), typed: "wendy.okafor"})
	add("code", codePage{Clock: clock(noon())})
	add("code-wrong", codePage{clock(noon()), badProblem(portal.FieldCode, "This code is not right. Enter the 6 digits that your app shows now.")})
	add("recovery", recoveryPage{})
	add("recovery-wrong", recoveryPage{Problem: badProblem(portal.FieldRecoveryCode, "This recovery code is not right.")})
	helpers := auth.Helpers{Customer: "Northwind Telecom", Administrators: []string{"Adaeze Obi", "Gary Wilson"}}
	add("lostphone", lostPhonePage{Helpers: helpers})
	add("lostphone-without-mail", lostPhonePage{Helpers: helpers, NoMail: true})
	add("lostphone-limited", lostPhonePage{Helpers: helpers, Problem: badProblem("", "The administrators have been told several times today. Please call one of them.")})
	helpers.AskedAt = noon()
	add("lostphone-asked", lostPhonePage{Helpers: helpers})
	add("lostphone-asked-without-mail", lostPhonePage{Helpers: helpers, NoMail: true})
	add("lostphone-alone", lostPhonePage{})
	add("lostphone-frozen", lostPhonePage{Helpers: auth.Helpers{Frozen: true}})
	add("badlink", badLinkPage{})
	add("code-clock", codePage{clock(noon()), badProblem(portal.FieldCode, "Your phone's clock is about 2 minutes slow: set it to automatic. Then enter the code that the app shows.")})
	add("recovery-blocked", recoveryPage{Step: auth.SecondStep{Blocked: true}})
	add("recovery-frozen", recoveryPage{Step: auth.SecondStep{Frozen: true}})
	alarm := alarmPage{Alarm: auth.Alarm{LoginID: "wendy.okafor", Name: "Wendy Okafor", CustomerName: "Northwind Telecom"}}
	add("alarm", alarm)
	alarm.NoMail = true
	add("alarm-without-mail", alarm)
	add("frozen", frozenPage{})
	add("frozen-without-mail", frozenPage{NoMail: true})
	add("badalarm", badAlarmPage{})
	add("setup", setUpPage{})
	add("setup-wrong", setUpPage{
		Problem: badProblem(portal.FieldPassword, "Use at least 15 characters."),
		typed:   fields{"customer": "Northwind \"Telecom\" & Sons", "name": "Gary Wilson", "login_id": "gary.wilson", "email": "gary@northwind.example", "require_2fa": "yes"},
	})
	add("invitation", invitationPage{Link: link})
	add("invitation-wrong", invitationPage{Link: link, Problem: badProblem(portal.FieldNewPassword, "This password has 9 of at least 15 characters. Add a word or two: a few words that only you would put together are easy to remember.")})
	add("forgot", forgotPage{})
	add("forgot-throttled", forgotPage{Problem: badProblem("", "Too many tries. Nothing was checked. Wait 12 minutes, then try again."), typed: "wendy.okafor"})
	add("forgot-sent", forgotSentPage{})
	add("forgot-without-mail", forgotPage{NoMail: true})
	add("forgot-sent-without-mail", forgotSentPage{NoMail: true})
	protected := link
	protected.Ask = auth.Ask{Code: true, Recovery: true}
	add("reset", resetPage{Link: link})
	link.Address = "w.okafor@northwind.example"
	add("confirm-address", confirmAddressPage{link})
	blocked := link
	blocked.Ask = auth.Ask{Recovery: true}
	add("reset-blocked", resetPage{Link: blocked})
	add("reset-2fa", resetPage{Link: protected, Clock: clock(noon())})
	add("reset-recovery-wrong", resetPage{Link: protected, Recovery: true, Problem: badProblem(portal.FieldRecoveryCode, "This recovery code is not right.")})
	owed := passwordRegion{Ask: auth.Ask{Password: true}, LoginID: "wendy.okafor", Least: 15, Clock: clock(noon())}
	add("password-short", passwordPage{owed, whyPassword(portal.Actor{ShortPassword: true})})
	owed.Ask.Code, owed.Ask.Recovery = true, true
	owed.Problem = badProblem(portal.FieldNewPassword, "This password is on a list of common and breached ones, which are tried first. Choose a few words that nobody else would put together.")
	add("password-known", passwordPage{owed, whyPassword(portal.Actor{})})
	add("error-404", errorPage{Status: 404, Message: "There is no such page, or it is not yours to see."})
	add("error-500", errorPage{Status: 500, Message: "Something went wrong on our side. Please try again. If it happens again, tell your administrator this number:", RequestID: "ABCDEFGH"})
}

func addAccountSamples(add, owed func(string, page)) {
	none, pending := portal.StatusOf(portal.TwoFactorNone, false), portal.StatusOf(portal.TwoFactorNone, true)
	enabled, kept := portal.StatusOf(portal.TwoFactorEnabled, false), portal.StatusOf(portal.TwoFactorDisabled, false)
	add("account-none", accountSample(none, func(a *auth.Account) { a.Activity = nil }, accountNews{}))
	add("account-pending", accountSample(pending, nil, accountNews{}))
	add("account-pending-wrong", accountSample(pending, nil, accountNews{setup: badProblem(portal.FieldCode, "This code is not right. Enter the 6 digits that your app shows now.")}))
	add("account-enabled", accountSample(enabled, nil, accountNews{}))
	blocked := enabled
	blocked.Blocked = true
	add("account-blocked", accountSample(blocked, nil, accountNews{}))
	add("account-codes", accountSample(enabled, nil, accountNews{codes: someCodes()}))
	add("account-kept", accountSample(kept, nil, accountNews{}))
	add("account-kept-blocked", accountSample(portal.TwoFactorStatus{State: portal.TwoFactorDisabled, Blocked: true}, nil, accountNews{}))
	add("account-lapsed", accountSample(kept, func(a *auth.Account) { a.KeptUntil = noon().Add(-time.Hour) }, accountNews{}))
	add("account-replacing", accountSample(portal.StatusOf(portal.TwoFactorEnabled, true), nil, accountNews{}))
	addresses := accountSample(none, func(a *auth.Account) {
		a.Addresses = auth.Addresses{
			First: "wendy@northwind.example", Second: "wendy.okafor.with.a.long.name@private.example",
			PendingFirst: "w.okafor@northwind.example", PendingSecond: "wendy@private.example",
		}
	}, accountNews{})
	add("account-addresses", addresses)
	addresses.Addresses.NoMail = true
	add("account-addresses-without-mail", addresses)
	add("account-conflict", accountSample(none, nil, accountNews{setup: badProblem("", "There is no set-up in progress any more.")}))
	add("account-password-wrong", accountSample(enabled, func(a *auth.Account) { a.RecoveryLeft = 2 },
		accountNews{password: badProblem(portal.FieldCurrent, "This password is not right.")}))
	for name, status := range map[string]portal.TwoFactorStatus{"none": none, "pending": pending, "kept": kept} {
		owing := accountSample(status, nil, accountNews{})
		owing.Owing, owing.TwoFactor.Required = true, true
		owed("account-owing-"+name, owing)
	}
	required := accountSample(enabled, nil, accountNews{setup: badProblem("", "Northwind Telecom requires two-factor authentication of you.")})
	required.TwoFactor.Required = true
	add("account-required", required)
	for name, d := range map[string]deed{
		"start": startSetup(), "disable": disableTwoFactor(), "enable": enableTwoFactor(), "delete": deleteSetup(),
		"email": changeAddress(), "second-email": changeSecondAddress(), "second-email-remove": removeSecondAddress(),
		"replace": replaceAuthenticator(), "codes": newRecoveryCodes(), "end-others": endOtherSessions(),
	} {
		p, _ := d.page(nil, nil)
		p.Proof = fullProof(name == "delete", nil)
		add("stepup-"+name, p)
	}
	p, _ := disableTwoFactor().page(nil, nil)
	p.Problem = badProblem(portal.FieldCode, "This code has been used already. Wait for the next code: it comes in 17 seconds.")
	p.Proof = fullProof(false, p.Problem)
	add("stepup-disable-wrong", p)
	end, _ := endSessionPage(someSessions(), "s-2")
	add("stepup-end-session", end)
}

func addAdministrationSamples(add func(string, page)) {
	detail := admin.UserDetail{
		User: wendy(), TwoFactorSince: noon().AddDate(0, -1, 0), LastSignIn: noon(), Sessions: 2, Activity: someEvents(), HelpAskedAt: noon(),
	}
	detail.User.Stored = portal.TwoFactorEnabled
	detail.Addresses = auth.Addresses{First: detail.User.Email, Second: "wendy@private.example", PendingFirst: "w.okafor@northwind.example"}
	edit := admin.Edit{Name: "Wendy Okafor", Email: "wendy@northwind.example", Role: "user"}
	invited := admin.UserDetail{User: wendy()}
	invited.User.Invited, invited.InvitedUntil = true, noon().Add(72*time.Hour)
	frozen := detail
	frozen.User.Frozen, frozen.Sessions = true, 0
	add("access", accessPage{Customer: "Northwind Telecom", Found: somePeople(), Self: "u-gary"})
	add("access-empty", accessPage{Customer: "Northwind Telecom", Query: admin.UserQuery{Search: "zz", State: portal.TwoFactorDisabled}})
	add("adduser", addUserPage{Proof: fullProof(false, nil)})
	add("adduser-without-mail", addUserPage{NoMail: true, Proof: fullProof(false, nil)})
	add("adduser-wrong", addUserPage{Problem: badProblem(portal.FieldLoginID, "This login ID is taken. Choose another one."), typed: admin.NewUser{LoginID: "wendy.okafor", Role: "administrator"}})
	add("invited-without-mail", invitedPage{NoMail: true, User: wendy(), Link: "https://portal.example/link/0123456789012345678901234567890123456789012", ExpiresAt: noon()})
	add("invited", invitedPage{User: wendy(), Link: "https://portal.example/link/0123456789012345678901234567890123456789012", ExpiresAt: noon()})
	add("user", userPage{Detail: detail, typed: edit})
	add("user-own", userPage{Detail: admin.UserDetail{User: gary(), Sessions: 1}, Own: true, typed: edit, Proof: fullProof(false, nil)})
	add("user-invited", userPage{Detail: invited, typed: edit, Problem: badProblem(portal.FieldRole, "Choose a role: user or administrator.")})
	add("user-frozen", userPage{Detail: frozen, typed: edit})
	add("user-without-mail", userPage{Detail: detail, NoMail: true, typed: edit})
	thaw := thawPage(frozen.User, true)
	thaw.Proof, thaw.Cancel = fullProof(false, nil), "/administration/access/u-wendy"
	add("stepup-thaw", thaw)
	uninvited := frozen.User
	uninvited.Invited = true
	thaw = thawPage(uninvited, true)
	thaw.Cancel = "/administration/access/u-wendy"
	add("stepup-thaw-invited", thaw)
	demand := demandPage(wendy(), true)
	demand.Proof, demand.Cancel = fullProof(false, nil), "/administration/access/u-wendy"
	add("stepup-demand-password", demand)
	demand = demandPage(wendy(), false)
	demand.Cancel = "/administration/access/u-wendy"
	add("stepup-demand-password-without-mail", demand)
	thaw = thawPage(frozen.User, false)
	thaw.Cancel = "/administration/access/u-wendy"
	add("stepup-thaw-without-mail", thaw)
	demanded := detail
	demanded.User.MustReset = true
	add("user-demanded", userPage{Detail: demanded, typed: edit})
	add("audit", auditPage{Customer: "Northwind Telecom", Found: admin.EventPage{Events: someEvents(), Next: 5}, typed: fields{"person": "wendy.okafor"}})
	add("audit-empty", auditPage{Customer: "Northwind Telecom"})
	add("audit-wrong", auditPage{Customer: "Northwind Telecom", typed: fields{"from": "x"}, Problem: badProblem(fieldFrom, "Enter a day like 2026-11-03.")})
	add("stepup-delete-2fa", stepUpPage{
		Heading: "Delete 2FA setup of Wendy Okafor", Button: "Delete 2FA setup", Danger: true, Reason: true, ReasonHint: "For the audit trail, such as: lost phone.", Cancel: "/administration/access/u-wendy",
		Warning: "First make sure that it is really Wendy Okafor who asks: call back on a number that you know, or meet.",
		Text:    []string{"wendy.okafor then signs in with login ID and password alone.", "This cannot be undone."},
		Problem: badProblem(portal.FieldReason, "Enter a reason."), Proof: fullProof(false, badProblem(portal.FieldReason, "Enter a reason.")),
	})
}
