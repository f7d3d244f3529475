import { post } from '../api.js'
import { Field, Form, NewPassword } from '../parts/form.js'
import { Head, html, useEffect } from '../parts/page.js'

export default function Enter({ way, code, state, entered }) {
	useEffect(() => document.querySelector('main input')?.focus(), [])
	if (way === 'not set up') return html`<${NotSetUp} />`
	if (way === 'setup' && state.set_up) return html`<${AlreadySetUp} admin=${state.admin} />`
	const View = { setup: SetUp, password: Password, 'log in': LogIn }[way]
	return html`<${View} code=${code} enter=${async (path, body) => entered(await post(path, body))} />`
}

function NotSetUp() {
	return html`
		<${Head} title="Set up this server" />
		<p>There is no admin yet. The first one is made with a one-time link, which <code>saryno serve</code> printed where it was started: look in its terminal, or in its log, for a line with <code>/admin/#/setup/</code>.</p>
		<p>The link is good for an hour. To get a new one, restart the server. Or make the admin on the command line, in the server’s directory:</p>
		<pre tabindex=0><code>saryno admin create NAME</code></pre>
		<p><button onClick=${() => location.reload()}>Look again</button></p>`
}

function AlreadySetUp({ admin }) {
	return html`
		<${Head} title="This server is set up" />
		<p>It has its first admin, and this link has done its work. Another admin can add you.</p>
		<p><a class="button" href="#/">${admin ? 'Go to the overview' : 'Log in'}</a></p>`
}

function SetUp({ code, enter }) {
	return html`
		<${Head} title="Set up this server" />
		<p>Make the first admin. Admins run the server from this page; they are not users of the platform.</p>
		<${Form} submit="Make the first admin" act=${({ name, password }) => enter('/setup', { code, name, password })}>
			<${Field} label=Name name=name autocomplete=username maxlength=60 />
			<${NewPassword} label=Password hint="Long is better than complicated." />
		<//>`
}

function Password({ code, enter }) {
	return html`
		<${Head} title="Choose your password" />
		<p>This link sets your password as an admin, once.</p>
		<${Form} submit="Set the password" act=${({ password }) => enter('/password-link', { code, password })}>
			<${NewPassword} />
		<//>`
}

function LogIn({ enter }) {
	return html`
		<${Head} title="Log in" />
		<${Form} submit="Log in" act=${(values) => enter('/login', values)}>
			<${Field} label=Name name=name autocomplete=username />
			<${Field} label=Password name=password type=password autocomplete=current-password />
		<//>
		<p class=hint>Password forgotten? Another admin can make you a link, or run <code>saryno admin reset-password NAME</code> on the server.</p>`
}
