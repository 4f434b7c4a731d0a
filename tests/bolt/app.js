// A command that opens a modal, a mention, a button. Everything through Slack's own client.
const { App } = require('@slack/bolt');

const app = new App({
  token: process.env.SLACK_BOT_TOKEN,
  appToken: process.env.SLACK_APP_TOKEN,
  socketMode: true,
  clientOptions: { slackApiUrl: process.env.SLACK_API_URL },
});

const button = (text, action_id) => ({ type: 'button', action_id, text: { type: 'plain_text', text }, value: 'v1' });
const section = (text) => ({ type: 'section', text: { type: 'mrkdwn', text } });

app.command('/devtask', async ({ command, ack, client }) => {
  await ack({ response_type: 'ephemeral', text: `Asked for: ${command.text}` });
  await client.views.open({
    trigger_id: command.trigger_id,
    view: {
      type: 'modal',
      callback_id: 'brief',
      private_metadata: command.channel_id,
      title: { type: 'plain_text', text: 'New task' },
      submit: { type: 'plain_text', text: 'Start' },
      blocks: [{
        type: 'input',
        block_id: 'goal',
        label: { type: 'plain_text', text: 'What should be done?' },
        element: { type: 'plain_text_input', action_id: 'value', initial_value: command.text },
      }],
    },
  });
});

app.view('brief', async ({ ack, view, body, client }) => {
  const goal = view.state.values.goal.value.value;
  if (goal.length < 10) {
    await ack({ response_action: 'errors', errors: { goal: 'Say a little more.' } });
    return;
  }
  await ack();
  await client.chat.postMessage({
    channel: view.private_metadata,
    text: goal,
    blocks: [section(`<@${body.user.id}> wants: ${goal}`), { type: 'actions', elements: [button('Pause', 'pause')] }],
  });
});

app.action('pause', async ({ ack, body, client, respond }) => {
  await ack();
  await client.chat.update({
    channel: body.channel.id,
    ts: body.message.ts,
    text: 'Paused',
    blocks: [section(`Paused by <@${body.user.id}>`)],
  });
  await respond({ response_type: 'ephemeral', replace_original: false, text: 'Done.' });
});

app.event('app_mention', async ({ event, say }) => {
  await say({ thread_ts: event.ts, text: `Hello <@${event.user}>` });
});

app.start().then(() => console.log('ready'));
