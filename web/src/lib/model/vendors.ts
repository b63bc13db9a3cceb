// Who can post webhooks, and how each is told to.
import type { Webhook, WebhookKind } from '../api/control.types';

export const VENDORS: Record<WebhookKind, string> = {
  github: 'GitHub',
  gitlab: 'GitLab',
  azure_devops: 'Azure DevOps',
  standard: 'Standard Webhooks',
};

export function steps(source: Webhook): string[] {
  switch (source.kind) {
    case 'github':
      return [
        'In the repository or organisation: Settings, Webhooks, Add webhook.',
        'Payload URL and Secret: as above. Content type: either.',
        'Choose the events, or “Send me everything”. GitHub sends a ping at once, and this list shows it as received.',
      ];
    case 'gitlab':
      return [
        'In the project or group: Settings, Webhooks.',
        'URL and Secret token: as above. Leave the payload template empty.',
        'Choose the events; Test sends one. GitLab disables a hook after four refusals in a row.',
      ];
    case 'azure_devops':
      return [
        'Project settings, Service hooks, Create subscription, Web Hooks. One subscription sends one kind of event: repeat for each.',
        `URL: as above. Basic authentication: ${source.user ? `user name ${source.user}` : 'any user name'}, the secret as password.`,
        'Resource details to send: All. With Minimal, outcomes and times are unknown.',
        'Azure DevOps signs nothing: use HTTPS.',
      ];
    case 'standard':
      return [
        'For Jenkins, Argo CD, Gitea, Bitbucket and scripts: sign as standardwebhooks.com says, with one of its libraries.',
        'The body is {"type", "timestamp", "data"}; webhook-id names the delivery and stays the same when it is sent again.',
        'The timestamp may be five minutes off, either way.',
      ];
  }
}
