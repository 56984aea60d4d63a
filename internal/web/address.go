package web

import (
	"net/http"

	"portal"
	"portal/internal/auth"
)

// addressesRegion is the region of the e-mail addresses.
type addressesRegion struct {
	At     auth.Addresses
	NoMail bool
}

// changeAddress is the page that asks for the first address anew.
func changeAddress() deed {
	return addressDeed(auth.FirstAddress, stepUpPage{
		Heading: "Change your e-mail", Button: "Change e-mail",
		Text: []string{
			"A mail with a link goes to the new address. Once you have opened the link and confirmed, mail goes there instead.",
			"Until then nothing changes. The present addresses are told.",
		},
	})
}

// changeSecondAddress is the page that asks for a second address, or another.
func changeSecondAddress() deed {
	return addressDeed(auth.SecondAddress, stepUpPage{
		Heading: "Add a second e-mail", Button: "Add the address",
		Text: []string{
			"Mail about your account then goes to both addresses, so that you learn of trouble even where one mailbox is lost.",
			"A mail with a link goes to the second address. It counts once you have opened the link and confirmed.",
		},
	})
}

func addressDeed(slot auth.Slot, p stepUpPage) deed {
	p.Cancel, p.Address = "/account", true
	page := func(s *site, _ *visit) (stepUpPage, error) {
		shown := p
		if s != nil && !s.mail {
			shown.Warning = "Mails are not set up in this portal. Ask whoever runs the portal for the link."
		}
		return shown, nil
	}
	return deed{
		need: auth.NeedProof, done: to("/account?notice=address-asked"), page: page,
		do: func(s *site, v *visit, p auth.Proof) (auth.Confirmed, error) {
			return only(s.auth.ChangeAddress(v.ctx(), v.actor, slot, v.form.get(portal.FieldEmail), p))
		},
	}
}

func removeSecondAddress() deed {
	return deed{
		need: auth.NeedProof, done: to("/account?notice=address-removed"),
		page: says(stepUpPage{
			Heading: "Remove the second e-mail", Button: "Remove the address", Danger: true, Cancel: "/account",
			Text: []string{"Mail about your account then goes to your first address only. Your other sessions end."},
		}),
		do: func(s *site, v *visit, p auth.Proof) (auth.Confirmed, error) {
			return only(s.auth.RemoveSecondAddress(v.ctx(), v.actor, p))
		},
	}
}

// giveAddressUp forgets an address that was not confirmed.
func giveAddressUp(slot auth.Slot) handler {
	return func(s *site, v *visit) error {
		if err := s.auth.GiveAddressUp(v.ctx(), v.actor, slot); err != nil {
			return err
		}
		return v.redirect("/account?notice=address-given-up")
	}
}

// confirmAddressPage confirms an address behind its mailed link.
type confirmAddressPage struct{ Link auth.Link }

func (confirmAddressPage) file() string  { return "confirmaddress" }
func (confirmAddressPage) title() string { return "Confirm this address" }
func (confirmAddressPage) bare() bool    { return true }

// Second tells whether it is the second address of the account.
func (p confirmAddressPage) Second() bool { return p.Link.Purpose == auth.ForSecondAddress }

func (s *site) showConfirmAddress(v *visit) error {
	link, _, err := s.opened(v)
	if err != nil {
		return s.linkFailed(v, err)
	}
	return s.render(v, http.StatusOK, confirmAddressPage{link})
}

func (s *site) confirmAddress(v *visit) error {
	_, token, err := s.opened(v)
	if err == nil {
		err = s.auth.ConfirmAddress(v.ctx(), v.origin(), token)
	}
	if err != nil {
		return s.linkFailed(v, err)
	}
	return v.redirect("/sign-in?notice=address-confirmed")
}
