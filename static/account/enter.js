// What there is without a session: log in, register, set a password anew.

import { post } from '../api.js'
import { toast } from '../parts/dialog.js'
import { Field, Form, NewPassword } from '../parts/form.js'
import { address, Head, html, Unread, useEffect, useLoad, useState } from '../parts/page.js'
import { called, tag } from '../parts/user.js'
import { Naming } from './naming.js'

/** `code` is that of the link which led here. */
export default function Enter({ place, ...rest }) {
	const Way = { register: Register, join: Register, reset: Reset }[place] || LogIn
	return html`<${Way} invited=${place === 'invite' && rest.code} joins=${place === 'join'} ...${rest} />`
}

const WITHOUT = {
	closed: 'Registration is closed on this server. An admin can make you an account.',
	invite: 'To register you need an invite link of this server; ask somebody who runs it.',
}

function LogIn({ invited, code, state, entered }) {
	useEffect(() => document.querySelector('main input').focus(), [])
	const [disabled, tell] = useState(state.disabled)
	const send = async (values) => {
		tell(null)
		await post('/login', values).catch((error) => {
			if (error.code === 'invalid_credentials') error.message = 'The tag or the password is wrong.'
			throw error
		})
		await entered()
	}
	return html`
		<${Head} title="Log in" note=${invited && 'You have an invite to a community. It shows as soon as you are logged in.'} />
		${disabled && html`<p class=alert role=alert>${disabled}</p>`}
		<${Form} submit="Log in" act=${send}>
			<${Field} label=Tag name=tag autocomplete=username placeholder="name#0001" dir=auto hint="Your username, # and your four digits." />
			<${Field} label=Password name=password type=password autocomplete=current-password />
		<//>
		<p>${WITHOUT[state.registration] || html`No account yet? <a href=${address('/register', { next: invited ? `/invite/${code}` : '' })}>Register</a>.`}</p>
		<p class=hint>Password forgotten? An admin of this server can make you a link that sets a new one.</p>`
}

const TITLE = 'Make an account'

/** Registers; `code` is of an invite to this server, which isn't needed where registration is open. */
function Register({ code, joins, next, state: { user, registration }, entered, leave }) {
	const invite = useLoad(code && registration !== 'closed' ? `/instance-invites/${encodeURIComponent(code)}` : null)
	const bad = (joins && !code) || invite.error?.code === 'unknown_invite'
	const open = registration === 'open'
	const back = html`<p><a class=button href="#/">Log in</a></p>`

	if (user) return html`<${Head} title="You have an account" /><p>You are logged in as ${called(user)}. This link makes a new account: log out first, if you want another.</p><p class=buttons><a class=button href="#/">Go to your account</a><button onClick=${leave}>Log out</button></p>`
	if (registration === 'closed') return html`<${Head} title="Registration is closed" /><p>Nobody can register on this server at the moment${joins ? ', not even with an invite' : ''}. An admin can make you an account.</p>${back}`
	if (!open && bad) return html`<${Head} title="This invite does not work" /><p>It is used up, has expired or was withdrawn, or the link is not whole. Ask whoever gave it to you for another.</p>${back}`
	if (!open && !joins) return html`<${Head} title="By invite only" /><p>${WITHOUT.invite}</p>${back}`
	// Data is null: a good invite has nothing to tell.
	if (code && !bad && invite.data === undefined) return html`<${Head} title=${TITLE} /><${Unread} ...${invite} />`
	return html`<${Entry} invite=${bad ? undefined : code} next=${next} entered=${entered} note=${bad && 'This invite does not work. But registration is open: you don’t need one.'} />`
}

function Entry({ invite, next = '/', note, entered }) {
	const [turn, again] = useState(0)
	useEffect(() => document.querySelector('main input').focus(), [])
	async function send({ username, discriminator, password }) {
		let user
		try {
			user = await post('/register', { username, password, discriminator: discriminator || undefined, invite })
		} catch (error) {
			if (error.status === 409) again(turn + 1)
			throw error
		}
		await entered()
		toast(html`Welcome, ${called(user)}. You log in with this tag.`)
	}
	return html`
		<${Head} title=${TITLE} note=${html`You have one already? <a href=${`#${next}`}>Log in</a>.`} />
		${note && html`<p class=banner>${note}</p>`}
		<${Form} submit=Register class=naming act=${send}>
			<${Naming} invite=${invite} turn=${turn} />
			<${NewPassword} label=Password hint="Long is better than complicated." />
		<//>`
}

function Reset({ code, state, entered }) {
	const [user, set] = useState(null)
	const [error, fail] = useState(null)
	const look = () => {
		fail(null)
		if (code) post('/reset/look', { code }).then(set, fail)
	}
	useEffect(look, [])
	if (!code || error?.code === 'invalid_credentials') return html`
		<${Head} title="This link does not work" />
		<p>It is used up, has expired, or is not whole. Ask an admin of this server for another: each is good for one use and one hour.</p>
		<p><a class=button href="#/">Go to your account</a></p>`
	if (!user) return html`<${Head} title="Choose your password" /><${Unread} error=${error} reload=${look} />`

	const send = async (values) => {
		try {
			await post('/reset', { code, new: values.new })
		} catch (error) {
			if (error.code === 'invalid_credentials') fail(error)
			throw error
		}
		await entered()
		toast('Password set. Your other sessions and tokens have ended.')
	}
	const other = state.user && state.user.id !== user.id
	return html`
		<${Head} title="Choose your password" />
		${other && html`<p class=banner>You are logged in as ${called(state.user)}. Setting this password logs you in as ${called(user)} instead.</p>`}
		<p>This link sets the password of ${called(user)}, once. Its sessions and tokens end with it.</p>
		<${Form} submit="Set the password" act=${send}>
			<input type=hidden autocomplete=username value=${tag(user)} />
			<${NewPassword} name=new hint="Long is better than complicated." />
		<//>`
}
